#!/bin/bash
# The demo's text: of a POD file and of a help page only prose stays, each paragraph once, a document a file.
set -euo pipefail
tools=$(dirname "$0")/../../tools
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/one.pod" <<'POD'
=head1 This heading is not a sentence that stays.

The B<quick> brown fox jumps over the L<lazy dog|http://example.com/dog>, says I<the
old C<print> statement>.  But $x->{y}, @{$z}{qw(a b)} and %{*$q} is gone.  E<quot>Five words are
enough here.E<quot>

    this_is_code("and is left out entirely, whatever it says.");

=over 4

=item *

An item is a paragraph like any other, X<index>isn't it?

=item short

=back

=begin comment

Nothing of this comment should be seen by anybody.

=end comment

Sentences that quote C<< $code->here >> stay as they are.  So do those that name C<< open() >> in passing.

=cut

Perl code after the cut is no prose at all, surely.
POD
cat >"$dir/two.pod" <<'POD'
=pod

An item is a paragraph like any other, isn't it?

The second file is the second document.
POD
cat >"$dir/expected" <<'TEXT'
The quick brown fox jumps over the lazy dog, says the old print statement. "Five words are enough here."
An item is a paragraph like any other, isn't it?
Sentences that quote $code->here stay as they are. So do those that name open() in passing.

The second file is the second document.

TEXT
"$tools/pod_prose" "$dir/one.pod" "$dir/two.pod" >"$dir/got"
diff -u "$dir/expected" "$dir/got" || { echo "pod_prose: the prose differs from what it must be"; exit 1; }

cat >"$dir/page.html" <<'HTML'
<body><p class="paragraph">머리글 앞의 것은 보이지 않습니다.</p>
<div id="DisplayArea"><h1 dir="auto">제목은 문장이 아닙니다.</h1>
<p id="a" class="paragraph" dir="auto">열려 있는 <span class="emph">문서</span>를 &quot;저장&quot; 합니다.</p>
<p id="b" class="paragraph" dir="auto">열려 있는 문서를 "저장" 합니다.</p>
<p id="c" class="listitem" dir="auto"><a href="x.html">파일</a> 메뉴를 엽니다.<br></p>
<p id="d" class="paragraph" dir="auto">English text only.</p>
<script>var x = "<p class='paragraph'>스크립트 안의 것.</p>";</script></div></body>
HTML
printf '%s\n' '열려 있는 문서를 "저장" 합니다.' '파일 메뉴를 엽니다.' '' >"$dir/expected"
"$tools/help_prose" "$dir/page.html" >"$dir/got"
diff -u "$dir/expected" "$dir/got" || { echo "help_prose: the prose differs from what it must be"; exit 1; }
