// What became of one study. The answer itself is the report's: the same as in its file.
import { call, problem } from "/link.js";
import { fill, stateOf } from "/list.js";
import { nameOf } from "/names.js";

const place = document.getElementById("result");
const FORMS = { json: "JSON", csv: "CSV", "beats.csv": "Beats", html: "Page", "fhir.json": "FHIR" };
let shown = null; // id and status

// `focus`: somebody asked for it.
export async function showResult(job, { focus = false } = {}) {
  const same = shown?.id === job.id;
  if (same && shown.status === job.status && job.finished !== null) say(job);
  else {
    shown = { id: job.id, status: job.status };
    try {
      if (job.summary) await showReport(job);
      else showPending(job);
    } catch (error) {
      shown = null; // it is shown when the service is back
      throw error;
    }
  }
  if (focus && shown?.id === job.id) place.querySelector("h2").focus();
}

function showPending(job) {
  const card = document.getElementById("pending").content.firstElementChild.cloneNode(true);
  const kept = place.firstElementChild;
  card.querySelector("bdi").textContent = nameOf(job.id);
  const verdict = { queued: "In the queue", running: "Being answered", failed: "No answer", cancelled: "Cancelled" };
  card.querySelector(".verdict").textContent = verdict[job.status];
  card.querySelector(".words").textContent = job.error?.replaceAll(job.id, nameOf(job.id)) ?? (job.finished ? "" : stateOf(job));
  card.classList.toggle("failed", job.status === "failed");
  const progress = card.querySelector("progress");
  progress.hidden = job.status !== "running";
  progress.setAttribute("aria-label", "Progress");
  fill(progress, job);
  const had = kept?.contains(document.activeElement);
  place.replaceChildren(card);
  if (had) card.querySelector("h2").focus();
}

async function showReport(job) {
  const [page, data] = await Promise.all([text(job, "html"), text(job, "json")]);
  if (shown?.id !== job.id) return;
  // Its own style is this page's, and the policy would not let it in a second time.
  const bare = (page ?? "").replace(/<style>.*?<\/style>/s, "");
  const found = new DOMParser().parseFromString(bare, "text/html");
  const article = found.querySelector("article") ?? short(job);
  article.querySelector("h2 bdi").textContent = nameOf(job.id);
  article.querySelector("h2").tabIndex = -1;
  for (const part of article.querySelectorAll(`[aria-label*="${job.id}"]`)) {
    part.setAttribute("aria-label", part.getAttribute("aria-label").replace(job.id, nameOf(job.id)));
  }
  const side = document.createElement("div");
  side.className = "side";
  const player = article.querySelector(".player");
  if (player) {
    player.replaceWith(side);
    side.append(player);
  } else article.append(side);
  side.append(document.getElementById("side").content.cloneNode(true));
  const model = found.querySelector("section:has(#provenance)");
  place.replaceChildren(article, ...(model ? [model] : []));
  if (player) {
    drawCrop(side, article, JSON.parse(data).results[0].video);
    start(player);
  }
  addReview(side, job);
  addExports(side, job);
  addTrail(side, job);
  say(job);
}

async function text(job, form) {
  const answer = await call(`/jobs/${job.id}/result.${form}`);
  return answer.ok ? answer.text() : null;
}

// Where its frames are not kept any more.
function short(job) {
  const card = document.getElementById("pending").content.firstElementChild.cloneNode(true);
  const { ef, interval, refusals } = job.summary;
  card.querySelector(".verdict").textContent = ef === null ? "Refused" : `EF ${ef.toFixed(1)} %`;
  card.querySelector(".words").textContent =
    (ef === null ? refusals.join(", ") : interval ? `interval ${interval.low.toFixed(1)} to ${interval.high.toFixed(1)} %` : "") +
    ". Frames and curve of older results are not kept.";
  return card;
}

function start(player) {
  window.startPlayer(player);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const controls = player.querySelector(".controls");
  // The player shows its controls when its picture is there.
  const watch = new MutationObserver(() => {
    if (controls.hidden) return;
    watch.disconnect();
    controls.querySelector("button").click();
  });
  watch.observe(controls, { attributes: true });
}

// The frame at its place in the image, the rest of which is not kept.
function drawCrop(side, article, { width, height, square }) {
  const frame = article.querySelector(".player svg.frame");
  if (!square || !frame) return;
  const [x, y, size] = square;
  const svg = side.querySelector(".crop svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const inner = frame.cloneNode(true);
  for (const name of ["class", "role", "aria-label", "hidden"]) inner.removeAttribute(name);
  const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  box.setAttribute("class", "outline");
  for (const part of [inner, box]) {
    for (const [name, value] of Object.entries({ x, y, width: size, height: size })) part.setAttribute(name, value);
    svg.append(part);
  }
  const words = `Cut out: ${size}×${size} pixels at ${x}, ${y} of ${width}×${height}`;
  svg.setAttribute("aria-label", words);
  side.querySelector(".crop figcaption").textContent = `${words}.`;
  side.querySelector(".crop").hidden = false;
}

function addReview(side, job) {
  const buttons = side.querySelectorAll(".review button");
  const note = side.querySelector("textarea");
  const said = side.querySelector(".said");
  side.querySelector(".review").addEventListener("submit", (event) => event.preventDefault());
  for (const button of buttons) {
    button.addEventListener("click", async () => {
      const body = JSON.stringify({ decision: button.value, note: note.value.trim() });
      const headers = { "Content-Type": "application/json" };
      try {
        const answer = await call(`/jobs/${job.id}/review`, { method: "POST", body, headers });
        if (!answer.ok) said.textContent = `Not kept: ${await problem(answer)}`;
        else {
          say(await answer.json());
          note.value = "";
          side.querySelector(".trail").open = false;
        }
      } catch {
        said.textContent = "Not kept: the server does not answer. Try again.";
      }
    });
  }
}

function say({ id, review }) {
  const said = place.querySelector(".said");
  if (!review || shown?.id !== id || !said) return;
  const at = new Date(1000 * review.at).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
  const words = `${review.decision === "accepted" ? "Accepted" : "Rejected"}, ${at}${review.note ? `: ${review.note}` : ""}`;
  if (said.textContent !== words) said.textContent = words;
  for (const button of place.querySelectorAll(".review button")) {
    button.setAttribute("aria-pressed", String(button.value === review.decision));
  }
}

// Links that bear the token.
function addExports(side, job) {
  for (const form of job.forms) {
    const link = document.createElement("a");
    link.href = `/api/v1/jobs/${job.id}/result.${form}`;
    link.textContent = FORMS[form] ?? form;
    link.setAttribute("aria-label", `Export as ${FORMS[form] ?? form}`);
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      const answer = await call(`/jobs/${job.id}/result.${form}`);
      if (!answer.ok) return;
      const save = document.createElement("a");
      save.href = URL.createObjectURL(await answer.blob());
      save.download = `edgeecho-${job.id.slice(0, 8)}.${form}`;
      save.click();
      setTimeout(() => URL.revokeObjectURL(save.href), 60000);
    });
    side.querySelector(".links").append(link);
  }
}

function addTrail(side, job) {
  const trail = side.querySelector(".trail");
  trail.addEventListener("toggle", async () => {
    if (!trail.open) return;
    const answer = await call(`/jobs/${job.id}/trail`);
    if (!answer.ok) return;
    const items = (await answer.json()).entries.map(({ at, event, detail, broken }) => {
      const item = document.createElement("li");
      item.textContent = `${new Date(1000 * at).toLocaleString()}: ${event}${detail.note ? `: ${detail.note}` : ""}${broken ? " (not as it was written)" : ""}`;
      return item;
    });
    trail.querySelector("ol").replaceChildren(...items);
  });
}
