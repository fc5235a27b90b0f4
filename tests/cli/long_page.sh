#!/bin/bash
# The page of electra serve, in Chromium, with answers that come when the test says so: an answer stands under the model and
# the text that it was asked of, or nowhere; what is wrong is said.
here=$(realpath "$(dirname "$0")")
page=$here/../../src/serve/http/page.html
source "$here/run.bash"
command -v chromium > /dev/null || { echo "skipped: there is no chromium"; exit 77; }

# The page with answers of this test, and what is to be true of it; a failure is a line of the title.
cat > before.js << 'END'
const MODELS = [
  { model_id: "run", asks: ["embed", "detect", "fill"] },
  { model_id: "classes", asks: ["embed", "predict"], kind: "classify", task: "sst2", labels: ["good", "bad"] },
  { model_id: "tags", asks: ["embed", "predict"], kind: "tag", task: "ner", labels: ["O"] },
  { model_id: "questions", asks: ["embed", "predict"], kind: "span", task: "squad", labels: [] },
  { model_id: "number", asks: ["embed", "predict"], kind: "regress", task: "stsb", pair: true, labels: [] },
  { model_id: "koelectra-" + "long".repeat(30), asks: ["embed"] }];
let now = null;
const held = [], sent = [];
window.fetch = (path, { headers, body, signal }) => new Promise((resolve, reject) => {
  const asked = body && JSON.parse(body);
  sent.push({ path, headers, asked });
  const tell = (value, status = 200) => signal?.aborted || resolve({ status, ok: status === 200, json: async () => value });
  signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
  if (path === "info") tell({ models: MODELS });
  else if (now) tell(...now(path, asked));
  else held.push({ path, asked, tell });
});
END
cat > after.js << 'END'
const failed = [], check = (fine, what) => fine || failed.push(what);
const settled = async () => { for (let i = 0; i < 20; i++) await null; };
const out = id => part(id, ".out"), error = id => part(id, ".error").textContent;
async function pick(name) {
  at("model").selectedIndex = MODELS.findIndex(m => m.model_id === name);
  at("model").dispatchEvent(new Event("change"));
  await settled();
}
function answer(path, value, status) {
  const i = held.findLastIndex(h => h.path.split("?")[0] === path);
  check(i >= 0, `nobody asked ${path}`);
  if (i >= 0) held.splice(i, 1)[0].tell(value, status);
  return settled();
}
const guess = text => ({ score: 0.5, token: 1, token_str: "x", sequence: text.replace("[MASK]", "x") });
async function test() {
  await settled();
  // An answer that comes after another model was chosen is nobody's.
  for (const [name, value] of [["tags", { answer: "a", score: 1, start: 0, end: 1 }], ["classes", [{ label: "other", score: 1 }]]]) {
    await pick("questions");
    at("predict-a").value = at("predict-b").value = "a";
    predict();
    await pick(name);
    await answer("predict", value);
    check(out("predict").textContent === "" && error("predict") === "", `${name} shows the answer of questions: ${out("predict").textContent} ${error("predict")}`);
    check(!out("predict").classList.contains("old"), `${name} waits for the answer of questions`);
  }
  await pick("classes");
  at("predict-a").value = "a";
  predict();
  await answer("predict", { error: "no" }, 422);
  check(error("predict") === "no", "an error is not told");
  await pick("tags");
  check(error("predict") === "", "an error of another model stands");
  await pick("run");
  const curve = held.findLast(h => h.path === "curves?model=run");
  await pick("classes");
  curve.tell([{ name: "run", figures: { loss: [[1, 2], [2, 1]] } }]);
  await settled();
  check(at("curves").hidden, "curves of another model are shown");

  // A guess goes into the text that it is of.
  await pick("run");
  at("fill-a").value = "a [MASK]";
  fill();
  await answer("fill", [[guess("a [MASK]")]]);
  at("fill-a").value = "a [MASK] and more";
  at("fill-a").dispatchEvent(new Event("input"));
  out("fill").querySelector("button").click();
  check(at("fill-a").value === "a [MASK] and more", `a guess went into another text: ${at("fill-a").value}`);
  check(out("fill").classList.contains("old"), "guesses at another text look new");
  fill();
  await answer("fill", [[guess("a [MASK] and more")]]);
  out("fill").querySelector("button").click();
  check(at("fill-a").value === "a x and more", `a guess is not put in: ${at("fill-a").value}`);
  // What is missing is said; a number is a number; each beginning of a trial has its name, and the one that counts is marked.
  await pick("number");
  at("predict-a").value = "a";
  at("predict-b").value = "";
  predict();
  check(error("predict") !== "" && !held.some(h => h.path === "predict"), "a missing text is not told");
  at("predict-b").value = "b";
  predict();
  await answer("predict", [{ label: "LABEL_0", score: 2.5 }]);
  check(out("predict").textContent === "2.500" && error("predict") === "", `a number is ${out("predict").textContent} ${error("predict")}`);
  await answer("curves", [["trial-1", false, 1.005], ["trial-1-again-1", true, 0.601]].map(([name, kept, value]) => ({ name, kept, figures: { loss: [[1, 2], [2, value]] } })));
  const caption = at("curves").querySelector("figcaption").textContent.trim(), label = at("curves").querySelector("svg").getAttribute("aria-label");
  check(caption.replace(/ +/g, " ") === "loss: trial-1 1.005 (given up) trial-1-again-1 0.601", caption);
  check(label === "loss: trial-1 1.005 (given up), trial-1-again-1 0.601", label);
  check(at("curves").querySelectorAll(".lost").length === 1, "what was given up looks like what counts");

  for (const [ys, told] of [[[0.29683, 0.29691], ["0.296830", "0.296910"]], [[0.5, 0.5], ["0.500"]], [[100.25, 1], ["1.0", "100.3"]]]) {
    const svg = chart("loss", [{ name: "run", kept: true, points: ys.map((y, i) => [i, y]) }]).querySelector("svg");
    const numbers = [...svg.querySelectorAll("text")].map(e => e.textContent).filter(s => s.includes(".")).sort();
    check(numbers.join(" ") === told.join(" "), `ends of ${ys} are ${numbers}`);
  }

  // Pieces go on where the server says so, whatever mark they have; a key is sent as UTF-8; a long name takes no more room.
  await pick("run");
  at("detect-a").value = "ab";
  detect();
  await answer("detect", [[{ piece: "a", begin: 0, end: 1, continues: false, probability: 0.1 }, { piece: "_b", begin: 1, end: 2, continues: true, probability: 0.9 }]]);
  check(out("detect").querySelectorAll(".word").length === 1, `two words in ${out("detect").textContent}`);
  key = "열쇠";
  detect();
  check(sent[sent.length - 1].headers.Authorization === "Bearer \u00ec\u0097\u00b4\u00ec\u0087\u00a0", `the key is ${sent[sent.length - 1].headers.Authorization}`);
  await pick(MODELS[MODELS.length - 1].model_id);
  const { scrollWidth, clientWidth } = document.documentElement;
  check(scrollWidth <= clientWidth, `${scrollWidth} wide in ${clientWidth}`);
}
test().catch(e => failed.push(String(e))).then(() => { document.title = "done: " + failed.join("; "); });
END
{
    sed -n '1,/^<script/p' "$page"
    cat before.js
    sed '1,/^<script/d; /^<\/script>/,$d' "$page"
    cat after.js
    printf '</script></body></html>\n'
} > page.html
timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --virtual-time-budget=20000 \
    --window-size=400,900 --dump-dom "file://$work/page.html" > dom 2> log < /dev/null || fail "chromium: $(tail -n 3 log)"
said=$(grep -o '<title>[^<]*' dom)
[ "$said" = "<title>done: " ] || fail "${said:-no title}"
