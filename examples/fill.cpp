// fill - guesses at every [MASK] of a text, from C++: two small owners of what the library opens are all that it takes
//
//     c++ fill.cpp $(pkg-config --cflags --libs electra) -o fill
//     ./fill run "The capital of [MASK] is [MASK]."
#include <electra.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

static void check(electra_status status)
{
    if (status != ELECTRA_OK)
        throw std::runtime_error(electra_error());
}

struct close_model {
    void operator()(electra_model *model) const
    {
        electra_model_close(model);
    }
};
struct close_session {
    void operator()(electra_session *session) const
    {
        electra_session_close(session);
    }
};
using model_owner = std::unique_ptr<electra_model, close_model>;
using session_owner = std::unique_ptr<electra_session, close_session>;

static model_owner open_model(const char *folder)
{
    electra_options options = ELECTRA_OPTIONS_INIT;
    electra_model *model = nullptr;
    options.threads = 1;
    check(electra_model_open(&model, folder, &options));
    return model_owner(model);
}

static session_owner open_session(const model_owner &model)
{
    electra_session *session = nullptr;
    check(electra_session_open(&session, model.get()));
    return session_owner(session);
}

int main(int argc, char **argv)
{
    const std::size_t top = 3;
    if (argc != 3) {
        std::cerr << "usage: fill MODEL TEXT        (libelectra " << electra_version() << ")\n";
        return 2;
    }
    try {
        const model_owner model = open_model(argv[1]);
        const session_owner session = open_session(model);
        const std::string text = argv[2];
        const electra_guess *guesses = nullptr;
        std::size_t masks = 0;
        check(electra_fill(session.get(), text.data(), text.size(), top, &guesses, &masks));
        for (std::size_t m = 0; m < masks; m++)
            for (std::size_t k = 0; k < top; k++)
                std::cout << guesses[m * top + k].piece << ' ' << guesses[m * top + k].probability
                          << (k + 1 < top ? "  " : "\n");
    } catch (const std::exception &trouble) {
        std::cerr << "fill: " << trouble.what() << '\n';
        return 1;
    }
}
