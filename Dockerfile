# electra in an image of its own: the static program, and nothing else
#
#     docker build -t electra .
#     docker run --rm -v "$PWD/run:/model:ro" electra detect --model /model "The cat sat under the hat."
#     docker run --rm -p 127.0.0.1:8080:8080 -v "$PWD/run:/model:ro" electra serve --model /model --host 0.0.0.0
FROM debian:12 AS build
WORKDIR /electra
COPY . .
RUN tools/setup
RUN cmake --preset release -DBUILD_TESTING=OFF -DELECTRA_MPI=OFF -DELECTRA_CUDA=OFF
RUN cmake --build --preset release --target electra_static_program
RUN strip build/release/electra-static

FROM scratch
COPY --from=build /electra/build/release/electra-static /electra
USER 65532:65532
VOLUME /model
EXPOSE 8080
ENTRYPOINT ["/electra"]
