# resume with many more kills, and a longer training to kill in
exec bash "$(dirname "$0")/test_resume.sh" "$1" 30
