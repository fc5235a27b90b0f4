#!/usr/bin/env python3
"""Makes tests/serve/golden/folders and folders.jsonl: model folders as people have them, and what transformers says with them.

    python3 tools/golden_folders.py                    needs torch, transformers, safetensors
    python3 tools/golden_folders.py --tensorflow       needs tensorflow; makes tensorflow/ alone, after the other

A line is one question: "folder", what it "is" and
    embed       text, b (null: none); mean: the last layer's mean over all tokens
    sentence    text; numbers: the last layer at [CLS], of length 1, of at most six tokens, as modules.json says
    detect      text; numbers: a probability for each piece
    fill        text with one [MASK]; pieces and numbers: the five likeliest
    sequence    text, b; numbers: a probability for each label
    token       text; numbers: the probability of the likeliest tag of each word, tags
    span        question, text; answer: the likeliest one
"""
import collections
import json
import pathlib
import shutil
import sys

import numpy

OUT = pathlib.Path(__file__).parent.parent / "tests/serve/golden"
WORDS = [f"w{i}" for i in range(25)]
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS
TEXTS = ["w1 w2 w3", "w24 w0 w7 w7 w9 w11"]
SHAPE = dict(vocab_size=len(VOCAB), num_hidden_layers=2, num_attention_heads=2, intermediate_size=12, max_position_embeddings=16)


def fresh(name):
    folder = OUT / "folders" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("".join(piece + "\n" for piece in VOCAB))
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}\n')
    return folder


def randomised(model, seed):
    """Weights wide enough that every head has something to say; what is tied stays so."""
    import torch
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(torch.randn(value.shape, generator=generator) * 0.5 + ("LayerNorm.weight" in name))
    return model.float().eval()


def config_of(model, folder, **changes):
    model.config.save_pretrained(folder)
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), "architectures": [type(model).__name__], **changes}
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}, indent=1) + "\n")


def save_torch(model, folder, new=True, rename=lambda name: name, half=False):
    import torch
    state = collections.OrderedDict((rename(name), value.half() if half else value) for name, value in model.state_dict().items())
    torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=new)


def save_shards(model, folder, rename=lambda name: name):
    from safetensors.torch import save_file
    state = {rename(name): value.clone().contiguous() for name, value in model.state_dict().items()}
    names, where = sorted(state), {}
    for i, part in enumerate((names[::2], names[1::2])):
        file = f"model-{i + 1:05d}-of-00002.safetensors"
        save_file({name: state[name] for name in part}, str(folder / file), metadata={"format": "pt"})
        where.update({name: file for name in part})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))


def old(name):
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


# ---- questions ----

def ids(text):
    return [VOCAB.index(word) for word in text.split()]


def run(model, text, b=None):
    import torch
    row = [2] + ids(text) + [3] + (ids(b) + [3] if b else [])
    segments = [int(i >= len(ids(text)) + 2) for i in range(len(row))]
    with torch.no_grad():
        return model.double()(input_ids=torch.tensor([row]), token_type_ids=torch.tensor([segments]))


def rounded(values):
    return [float(f"{value:.8g}") for value in values.tolist()]


def ask(folder, model, kinds):
    import torch
    base = getattr(model, "electra", getattr(model, "bert", model))
    lines = []
    for kind in kinds:
        for text in TEXTS:
            line = {"folder": folder, "is": kind, "text": text}
            if kind == "embed":
                line |= {"b": "w5 w6" if text is TEXTS[1] else None}
                line |= {"numbers": rounded(run(base, text, line["b"]).last_hidden_state[0].mean(0))}
            elif kind == "sentence":
                last = run(base, " ".join(text.split()[:4])).last_hidden_state
                line |= {"numbers": rounded(last[0, 0] / last[0, 0].norm())}
            elif kind == "detect":
                line |= {"numbers": rounded(run(model, text).logits[0, 1:-1].sigmoid())}
            elif kind == "fill":
                line |= {"text": text + " [MASK] w4"}
                out = run(model, line["text"])
                logits = (out.logits if hasattr(out, "logits") else out.prediction_logits)[0, len(ids(text)) + 1]
                best = logits.softmax(-1).topk(5)
                line |= {"pieces": [VOCAB[i] for i in best.indices.tolist()], "numbers": rounded(best.values)}
            elif kind == "sequence":
                line |= {"b": "w5 w6" if text is TEXTS[1] else None}
                line |= {"numbers": rounded(run(model, text, line["b"]).logits[0].softmax(-1))}
            elif kind == "token":
                shares = run(model, text).logits[0, 1:-1].softmax(-1)
                line |= {"tags": [model.config.id2label[i] for i in shares.argmax(-1).tolist()], "numbers": rounded(shares.max(-1).values)}
            elif kind == "span":
                out = run(model, "w8 w9", text)
                first, n = 4, len(ids(text))
                score, s, e = max((out.start_logits[0, first + s] + out.end_logits[0, first + e], s, e) for s in range(n) for e in range(s, n))
                line |= {"question": "w8 w9", "answer": " ".join(text.split()[s:e + 1])}
            lines.append(line)
    model.float()
    return lines


# ---- folders ----

def electras():
    from transformers import (ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining, ElectraForQuestionAnswering,
                              ElectraForSequenceClassification, ElectraForTokenClassification, ElectraModel)
    make = lambda kind, seed, **more: randomised(kind(ElectraConfig(embedding_size=4, hidden_size=8, **SHAPE, **more)), seed)
    m = make(ElectraForPreTraining, 1)
    config_of(m, f := fresh("discriminator-old-bin"))
    save_torch(m, f, new=False, rename=old)
    yield "discriminator-old-bin", m, ["embed", "detect"]
    m = make(ElectraForMaskedLM, 2).half()
    config_of(m, f := fresh("generator-half-no-architectures"), architectures=None)
    save_torch(m, f, half=True)
    yield "generator-half-no-architectures", m, ["fill"]
    m = make(ElectraModel, 3)
    config_of(m, f := fresh("bare-bin"))
    save_torch(m, f)
    yield "bare-bin", m, ["embed"]
    m = make(ElectraForSequenceClassification, 4, num_labels=3)
    config_of(m, f := fresh("sequence-shards"))
    save_shards(m, f, lambda name: "module." + name)
    yield "sequence-shards", m, ["embed", "sequence"]
    m = make(ElectraForTokenClassification, 5, num_labels=3)
    config_of(m, f := fresh("token-no-architectures"), architectures=None)
    save_torch(m, f)
    yield "token-no-architectures", m, ["token"]
    m = make(ElectraForQuestionAnswering, 6)
    config_of(m, f := fresh("span-old-bin"))
    save_torch(m, f, new=False)
    yield "span-old-bin", m, ["span"]


def berts():
    from transformers import (BertConfig, BertForMaskedLM, BertForPreTraining, BertForQuestionAnswering,
                              BertForSequenceClassification, BertForTokenClassification, BertModel)
    make = lambda kind, seed, **more: randomised(kind(BertConfig(hidden_size=8, **SHAPE, **more)), seed)
    m = make(BertModel, 11)
    config_of(m, f := fresh("bert-bare"))
    m.save_pretrained(f)
    yield "bert-bare", m, ["embed"]
    m = make(BertModel, 18)
    config_of(m, f := fresh("sentence-transformers"))
    save_torch(m, f, new=False)
    where = lambda name: {"path": "" if name == "Transformer" else f"1_{name}", "type": f"sentence_transformers.models.{name}"}
    (f / "modules.json").write_text(json.dumps([where(name) for name in ("Transformer", "Pooling", "Normalize")]))
    (f / "sentence_bert_config.json").write_text('{"max_seq_length": 6, "do_lower_case": false}')
    (f / "1_Pooling").mkdir()
    (f / "1_Pooling/config.json").write_text('{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}')
    yield "sentence-transformers", m, ["sentence"]
    m = make(BertForMaskedLM, 12)
    config_of(m, f := fresh("bert-masked-old-bin"))
    save_torch(m, f, new=False, rename=old)
    yield "bert-masked-old-bin", m, ["embed", "fill"]
    m = make(BertForPreTraining, 13)
    config_of(m, f := fresh("bert-pretraining"), architectures=None)
    save_torch(m, f)
    yield "bert-pretraining", m, ["embed", "fill"]
    m = make(BertForSequenceClassification, 14, num_labels=3)
    config_of(m, f := fresh("bert-sequence"))
    m.save_pretrained(f)
    yield "bert-sequence", m, ["embed", "sequence"]
    m = make(BertForSequenceClassification, 15, num_labels=2)
    config_of(m, f := fresh("bert-sequence-no-architectures"), architectures=None)
    save_torch(m, f)
    yield "bert-sequence-no-architectures", m, ["sequence"]
    m = make(BertForTokenClassification, 16, num_labels=3)
    config_of(m, f := fresh("bert-token"))
    m.save_pretrained(f)
    yield "bert-token", m, ["token"]
    m = make(BertForQuestionAnswering, 17)
    config_of(m, f := fresh("bert-span"))
    m.save_pretrained(f)
    yield "bert-span", m, ["span"]


def tensorflow_models():
    """One head, as half of 64 and less have by default; the generator reads the discriminator's embeddings."""
    from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining
    shape = {**SHAPE, "num_attention_heads": 1}
    d = randomised(ElectraForPreTraining(ElectraConfig(embedding_size=4, hidden_size=8, **shape)), 21)
    g = randomised(ElectraForMaskedLM(ElectraConfig(embedding_size=4, hidden_size=6, **{**shape, "intermediate_size": 10})), 22)
    g.electra.embeddings.load_state_dict(d.electra.embeddings.state_dict())
    return d, g


def variables(d, g):
    """The original's names."""
    def theirs(name, value):
        if name in ("generator_lm_head.bias", "generator_predictions.bias"):
            return "generator_predictions/output_bias", value
        kernel = name.endswith(".weight") and value.ndim == 2 and "_embeddings" not in name
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        name = name.replace("_embeddings.weight", "_embeddings").replace("layer.", "layer_").replace("dense_prediction", "dense_1")
        return (name[:-6] + "kernel", value.T) if kernel else (name, value)
    for net, role in ((d, "electra"), (g, "generator")):
        for name, value in net.state_dict().items():
            if "position_ids" in name or name == "generator_lm_head.weight" or (role == "generator" and ".embeddings." in name):
                continue
            name, value = theirs(name, value.numpy())
            yield name.replace(".", "/").replace("electra/", role + "/", 1) if name.startswith("electra") else name.replace(".", "/"), value


def make_tensorflow():
    import tensorflow.compat.v1 as tf
    tf.disable_eager_execution()
    folder = OUT / "folders/tensorflow"
    with numpy.load(folder / "variables.npz") as values, tf.Session() as session:
        for name in values.files:
            tf.get_variable(name, initializer=tf.constant(values[name]))
        tf.get_variable("global_step", initializer=tf.constant(7, tf.int64))
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(folder / "electra"), write_meta_graph=False)
    (folder / "variables.npz").unlink()
    text = (folder / "checkpoint").read_text()
    (folder / "checkpoint").write_text(text.replace(str(folder) + "/", ""))


def main():
    shutil.rmtree(OUT / "folders", ignore_errors=True)
    lines = []
    for name, model, kinds in [*electras(), *berts()]:
        lines += ask(name, model, kinds)
    d, g = tensorflow_models()
    folder = fresh("tensorflow")
    (folder / "tokenizer_config.json").unlink()
    numpy.savez(folder / "variables.npz", **dict(variables(d, g)))
    lines += ask("tensorflow", d, ["embed", "detect"]) + ask("tensorflow", g, ["fill"])
    (OUT / "folders.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    make_tensorflow() if "--tensorflow" in sys.argv else main()
