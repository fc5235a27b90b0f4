/* names - see the header */
#include "task/files/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text/normalize.h"
#include "text/utf8.h"

enum { LONGEST = 96 };

_Static_assert(offsetof(el_columns, mark) ==
                   offsetof(el_columns, by_role) + EL_ROLE_MARK * sizeof(const char *),
               "EL_BY_ROLE names the roles in the order of their numbers");

/* Names between blanks, by rank. */
typedef const char *const ranks[EL_RANKS];

static ranks TEXTS = {"text sentence sentence1 text1 text_a sentence_a premise question1 utterance 문장 "
                      "텍스트 문장1 텍스트1 전제 질문1 발화",
                      "document review reviews comment comments comment_text content contents tweet message "
                      "post body review_text review_body news "
                      "내용 본문 리뷰 댓글 발화문 메시지 리뷰내용 기사 뉴스",
                      "title headline question query description abstract summary input string source 제목 "
                      "질문 입력 설명 요약"};
static ranks SECONDS = {
    "sentence2 text2 text_b sentence_b hypothesis question2 text_pair 문장2 텍스트2 가설 질문2", "", ""};
static ranks LABELS = {"label labels gold_label 라벨 레이블",
                       "class classes category categories target targets score scores rating ratings "
                       "sentiment emotion emotions intent star_rating "
                       "topic is_duplicate polarity stance stars similarity relatedness_score y output "
                       "감정 감성 분류 점수 평점 카테고리 클래스 주제 의도 유형 정답 유사도 별점 등급 긍부정",
                       "tag tags genre genres type result answer 태그 장르 종류 결과"};
static ranks SCORES = {
    "score label labels gold_label 점수 라벨 레이블",
    "rating ratings star_rating target similarity relatedness_score stars value y 평점 유사도 별점 정답",
    "scores targets output result grade 결과 값"};
static ranks WORDS = {"tokens words token word 단어 토큰", "sentence text 문장 텍스트",
                      "form forms input 입력"};
static ranks TAGS = {"tags ner_tags labels label tag ner_tag bio_tags 태그 라벨 레이블 개체명",
                     "pos_tags chunk_tags upos pos ner ne entity entities iob bio", "output 출력"};
static ranks QUESTIONS = {"question questions 질문 질의", "query 물음", "input"};
static ranks CONTEXTS = {"context passage contexts 지문 문맥 본문", "document paragraph 문서 단락 문단",
                         "text 내용"};
static ranks ANSWERS = {"answers answer answer_text answers.text answer.text 정답 답 답변",
                        "label output target", ""};
static ranks IDS = {"id index idx guid qid uid uuid 번호 순번 아이디",
                    "no number num key seq row_id # 일련번호 연번 인덱스", ""};
static ranks STARTS = {"answers.answer_start answer_start", "answer.answer_start start", ""};
static ranks MARKS = {"is_impossible impossible", "", ""};
static ranks NONE = {"", "", ""};

const char *el_role_called(el_task_kind kind, el_column_role role)
{
    static const char *const CALLED[EL_TASK_KINDS][EL_ROLES] = {
        [EL_REGRESS] = {[EL_ROLE_LABEL] = "score"},
        [EL_MULTILABEL] = {[EL_ROLE_LABEL] = "labels"},
        [EL_TAG] = {[EL_ROLE_TEXT] = "words", [EL_ROLE_LABEL] = "tags"},
        [EL_SPAN] = {[EL_ROLE_TEXT] = "question", [EL_ROLE_SECOND] = "context", [EL_ROLE_LABEL] = "answers"}};
    static const char *const USUAL[EL_ROLES] = {"text", "second text", "label", "id"};
    const char *const called = CALLED[kind][role];
    return called ? called : USUAL[role];
}

static const char *const *names_of(el_task_kind kind, el_column_role role)
{
    switch (role) {
    case EL_ROLE_TEXT:
        return kind == EL_TAG ? WORDS : kind == EL_SPAN ? QUESTIONS : TEXTS;
    case EL_ROLE_SECOND:
        return kind == EL_TAG ? NONE : kind == EL_SPAN ? CONTEXTS : SECONDS;
    case EL_ROLE_LABEL:
        return kind == EL_TAG ? TAGS : kind == EL_SPAN ? ANSWERS : kind == EL_REGRESS ? SCORES : LABELS;
    case EL_ROLE_START:
        return kind == EL_SPAN ? STARTS : NONE;
    case EL_ROLE_MARK:
        return kind == EL_SPAN ? MARKS : NONE;
    default:
        return IDS;
    }
}

/* Lower case, composed, without blanks at both ends; '-' becomes '_'. */
static size_t plain(const char *text, char out[LONGEST])
{
    char *const composed = el_utf8_composed(text);
    const char *name = composed ? composed : text;
    size_t bytes = el_without_blanks(&name, strlen(name)), used = 0;
    while (bytes && name[bytes - 1] == ':')
        bytes = el_without_blanks(&name, bytes - 1);
    for (size_t i = 0; i < bytes && bytes < LONGEST; i++) {
        const char c = name[i];
        out[used++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c == '-' ? '_' : c);
    }
    out[used] = '\0';
    free(composed);
    return used;
}

/* Whether a name is a known one: '_' may be left out, or be added, and a blank may stand for it ("gold label", "goldLabel",
 * "sentence_1").  A blank alone is none: "Text 1" may well be a text. */
static bool same_name(const char *known, size_t bytes, const char *name)
{
    const char *const end = known + bytes;
    for (;;) {
        if (known < end && *known == '_') {
            known++;
            name += *name == '_' || *name == ' ';
        } else if (*name == '_') {
            name++;
        } else if (known == end || *known != *name) {
            return known == end && !*name;
        } else {
            known++, name++;
        }
    }
}

/* Blanks within a name that is known to be one are as good as '_'. */
static void join(char *name)
{
    while ((name = strchr(name, ' ')))
        *name = '_';
}

static bool holds(const char *list, const char *name)
{
    for (const char *at = list; *at;) {
        const size_t one = strcspn(at, " ");
        if (one && same_name(at, one, name))
            return true;
        at += one + (at[one] == ' ');
    }
    return false;
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* The bytes before the "_id", "-ID", " id" or "Id" at a name's end; 0: it has none. */
static size_t before_id(const char *name)
{
    const size_t bytes = strlen(name);
    const char *const end = name + (bytes > 3 ? bytes - 3 : 0);
    const bool apart =
        strcasecmp(end, "_id") == 0 || strcasecmp(end, "-id") == 0 || strcasecmp(end, " id") == 0;
    const bool camel = is_lower(*end) && (strcmp(end + 1, "Id") == 0 || strcmp(end + 1, "ID") == 0);
    return bytes > 3 && apart ? bytes - 3 : bytes > 3 && camel ? bytes - 2 : 0;
}

static int listed_rank(el_task_kind kind, el_column_role role, const char *name)
{
    char same[LONGEST];
    const size_t bytes = plain(name, same);
    const char *const *const lists = names_of(kind, role);
    for (int rank = 0; bytes && rank < EL_RANKS; rank++)
        if (holds(lists[rank], same))
            return rank;
    return -1;
}

/* "label_id", "category-ID": the number of a label, where "review_id" is that of a row.  An answer's is a row's, too. */
static bool numbers_labels(el_task_kind kind, const char *name)
{
    char label[LONGEST];
    snprintf(label, sizeof label, "%.*s", (int)before_id(name), name);
    const int rank = listed_rank(kind, EL_ROLE_LABEL, label);
    return kind <= EL_MULTILABEL && rank >= 0 && rank < EL_RANKS - 1;
}

/* "review_id", "pair-ID", "tweetId", "Unnamed: 0" (what pandas calls the index). */
static bool is_id(el_task_kind kind, const char *name)
{
    return (before_id(name) && !numbers_labels(kind, name)) || strncasecmp(name, "unnamed:", 8) == 0;
}

int el_name_rank(el_task_kind kind, el_column_role role, const char *name)
{
    const int rank = listed_rank(kind, role, name);
    const bool last =
        role == EL_ROLE_ID ? is_id(kind, name) : role == EL_ROLE_LABEL && numbers_labels(kind, name);
    return rank < 0 && last ? EL_RANKS - 1 : rank;
}

bool el_name_known(el_task_kind kind, const char *name)
{
    for (el_column_role role = 0; role < EL_SAID_ROLES; role++)
        if (el_name_rank(kind, role, name) >= 0)
            return true;
    return false;
}

bool el_name_of_sentences(const char *name)
{
    static const char *const NAMES =
        "sentence_# sentence_id sentence_idx sentence_index sentence_no sentence_num "
        "sentence_number sent_# sent_id sent_idx sent_no 문장_번호 문장_id 문장_no";
    char same[LONGEST];
    plain(name, same);
    join(same);
    return holds(NAMES, same);
}

bool el_name_pair(const char *first, const char *second)
{
    static const char *const PAIRS[][2] = {{"sentence1", "sentence2"},
                                           {"text1", "text2"},
                                           {"text_a", "text_b"},
                                           {"sentence_a", "sentence_b"},
                                           {"premise", "hypothesis"},
                                           {"question1", "question2"},
                                           {"question", "sentence"},
                                           {"text", "text_pair"},
                                           {"query", "document"},
                                           {"query", "doc"},
                                           {"question", "passage"},
                                           {"question", "context"},
                                           {"claim", "evidence"},
                                           {"query", "passage"},
                                           {"문장1", "문장2"},
                                           {"텍스트1", "텍스트2"},
                                           {"q1", "q2"},
                                           {"sent1", "sent2"},
                                           {"s1", "s2"},
                                           {"문장_a", "문장_b"},
                                           {"전제", "가설"},
                                           {"질문1", "질문2"}};
    char a[LONGEST], b[LONGEST];
    plain(first, a);
    plain(second, b);
    join(a);
    join(b);
    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++)
        if (same_name(PAIRS[i][0], strlen(PAIRS[i][0]), a) && same_name(PAIRS[i][1], strlen(PAIRS[i][1]), b))
            return true;
    return false;
}

bool el_name_same(const char *a, const char *b)
{
    char one[LONGEST], other[LONGEST];
    if (strcmp(a, b) == 0)
        return true;
    const size_t bytes = plain(a, one);
    join(one);
    return bytes && plain(b, other) && same_name(one, bytes, other);
}
