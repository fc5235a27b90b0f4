/* main - the table of commands: main chooses, the commands work */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/pages.h"

static const cli_command COMMANDS[] = {
    {"vocab", cmd_vocab, CLI_SHARES, "learns a WordPiece vocabulary from text"},
    {"tokenize", cmd_tokenize, CLI_READS, "cuts text into pieces or ids"},
    {"prepare", cmd_prepare, CLI_SHARES, "packs text into shards of tokens"},
    {"pretrain", cmd_pretrain, CLI_SHARES, "trains generator and discriminator on shards"},
    {"finetune", cmd_finetune, CLI_SHARES, "teaches a pre-trained model a task"},
    {"predict", cmd_predict, CLI_READS, "a fine-tuned model's answers for new inputs"},
    {"import", cmd_import, CLI_WRITES, "keeps a model of another origin as safetensors"},
    {"embed", cmd_embed, CLI_READS, "writes the vectors of texts"},
    {"evaluate", cmd_evaluate, CLI_READS,
     "says what a model has learned, on held-out shards or a labelled file"},
    {"detect", cmd_detect, CLI_READS, "marks the words that look replaced"},
    {"fill", cmd_fill, CLI_READS, "guesses what stands at [MASK]"},
    {"score", cmd_score, CLI_READS,
     "says how likely sentences are, and which of a pair or a list is likelier"},
    {"info", cmd_info, CLI_READS, "says what a model, run, checkpoint or shard folder holds"},
    {"export", cmd_export, CLI_WRITES, "writes a model for other software: ONNX, GGUF, half precision"},
    {"compare", cmd_compare, CLI_SHARES, "compares systems at equal compute, by a plan, and reports"},
    {"serve", cmd_serve, CLI_READS, "answers over HTTP, on a page and for programs"},
    {"flops", cmd_flops, CLI_READS, "counts what a pre-training costs, by size and objective"},
    {"plot", cmd_plot, CLI_WRITES, "draws the curves of runs"},
    {"bench", cmd_bench, CLI_MEASURES, "measures speed against the processor's peak"},
};
enum { COUNT = sizeof COMMANDS / sizeof *COMMANDS };

static const cli_command *find(const char *name)
{
    for (int i = 0; i < COUNT; i++)
        if (strcmp(name, COMMANDS[i].name) == 0)
            return &COMMANDS[i];
    return NULL;
}

static void usage(FILE *out)
{
    fputs("electra COMMAND [options]: pre-trains, evaluates and runs ELECTRA encoders\n\n"
          "  electra vocab --vocab-size 8000 --output vocab.txt corpus.txt\n"
          "  electra prepare --vocab vocab.txt --output shards corpus.txt\n"
          "  electra pretrain --data shards --model-size tiny --output run\n"
          "  electra detect --model run \"the cat sat under the hat\"\n\n"
          "commands:\n",
          out);
    for (int i = 0; i < COUNT; i++)
        fprintf(out, "  %-10s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fputs("\n`electra COMMAND --help` explains one; `electra --version` names the version;\n"
          "`electra --man [COMMAND]` and `electra --completion bash|zsh|fish` print pages for man and for "
          "shells\n",
          out);
}

static int unknown(const char *name)
{
    const char *names[COUNT];
    for (int i = 0; i < COUNT; i++)
        names[i] = COMMANDS[i].name;
    const char *const nearest = el_nearest(name, names, COUNT);
    if (nearest)
        fprintf(stderr, "electra: %s: no such command; did you mean %s?\n", name, nearest);
    else
        fprintf(stderr, "electra: %s: no such command; `electra --help` lists them\n", name);
    return cli_ranks_apart(2);
}

/* electra help [COMMAND] */
static int help(int argc, char **argv)
{
    if (argc < 2) {
        usage(stdout);
        return cli_ranks_apart(0);
    }
    const cli_command *const chosen = find(argv[1]);
    char flag[] = "--help";
    return chosen ? chosen->run(2, (char *[]){argv[1], flag, NULL}) : unknown(argv[1]);
}

static int choose(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return cli_ranks_apart(2);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("electra " ELECTRA_VERSION);
        return cli_ranks_apart(0);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(argv[1], "--man") == 0)
        return cli_ranks_apart(cli_man(COMMANDS, COUNT, argc - 1, argv + 1));
    if (strcmp(argv[1], "--completion") == 0)
        return cli_ranks_apart(cli_completion(COMMANDS, COUNT, argc - 1, argv + 1));
    const cli_command *const chosen = find(argv[1]);
    if (!chosen)
        return unknown(argv[1]);
    const el_status st = cli_ranks_check(chosen->use);
    return st ? cli_exit(chosen->name, st) : chosen->run(argc - 1, argv + 1);
}

/* What a command printed has to arrive: a full disk shows only when the last of it is written.  Where nobody reads any
 * more, as behind `| head`, the signal ends the program in silence, even if it came ignored from who started it; commands that
 * work for long ignore it (signals.h).  A file that may grow no further (ulimit -f) is as a disk that is full. */
int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_IGN);
    el_status st = cli_ranks_open(&argc, &argv);
    int code = st ? 1 : choose(argc, argv);
    if (!st && code == 0)
        st = cli_flush();
    cli_ranks_close();
    if (!st)
        return code;
    fprintf(stderr, "electra: %s\n", el_error());
    return 1;
}
