// Puts the parts together.
import { call, listen } from "/link.js";
import * as list from "/list.js";
import { nameOf } from "/names.js";
import { showResult } from "/result.js";
import { limit, send, unsent } from "/send.js";

const say = (words) => (document.getElementById("say").textContent = words);
const handlers = { onPick: pick, onCancel: cancel };

function pick(id, focus = true) {
  list.pick(id);
  showResult(list.jobOf(id), { focus });
}

async function cancel(id) {
  const answer = await call(`/jobs/${id}`, { method: "DELETE" });
  if (answer.ok) update(await answer.json());
}

async function look(id) {
  const answer = await call(`/jobs/${id}`);
  if (answer.ok) update(await answer.json());
}

function update(job) {
  const before = list.jobOf(job.id);
  list.show(job, handlers);
  if (list.isPicked(job.id)) showResult(job);
  if (before && before.finished === null && job.finished !== null) say(ended(job));
}

function ended(job) {
  const { status, summary } = job;
  if (status !== "answered") return `${nameOf(job.id)}: ${status}, ${list.stateOf(job)}`;
  return `${nameOf(job.id)}: EF ${summary.ef.toFixed(0)} percent, ${summary.band}`;
}

function take(files) {
  // The first one is shown when it is answered, unless somebody looks at another.
  let first = !list.anyPicked() || files.length === 1;
  for (const file of files) {
    const row = list.addRow(file.name, () => {
      handle.cancelled = true;
      row.remove();
    });
    const state = row.querySelector(".state");
    const mine = first;
    first = false;
    const handle = {
      cancelled: false,
      say: (words) => (state.textContent = words),
      accepted: (job) => {
        row.remove();
        update(list.jobOf(job.id) ?? job);
        if (handle.cancelled) cancel(job.id);
        else if (mine) pick(job.id, false);
      },
      failed: (words) => {
        state.textContent = `not sent: ${words}`;
        row.querySelector(".cancel").textContent = "Dismiss";
        say(`${file.name}: not sent: ${words}`);
      },
    };
    send(file, handle);
  }
}

async function describe() {
  const answer = await call("/about");
  if (!answer.ok) return;
  const about = await answer.json();
  limit(about.most_bytes);
  document.getElementById("about").textContent =
    `model ${about.model.name} ${about.model.version}, ${about.model.precision}, ` +
    `sha256 ${about.model.sha256.slice(0, 12)} · edgeecho ${about.edgeecho}`;
}

const input = document.getElementById("files");
input.addEventListener("change", () => {
  take([...input.files]);
  input.value = "";
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragged");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragged");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragged");
  take([...event.dataTransfer.files]);
});
// Whatever was asked for while the service was gone.
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof TypeError)) return;
  event.preventDefault();
  say("That did not reach the server. Try again.");
});
addEventListener("beforeunload", (event) => unsent() && event.preventDefault());

const older = document.getElementById("older");
older.addEventListener("click", async () => {
  const answer = await call(`/jobs?before=${list.oldest()}`);
  if (!answer.ok) return;
  const { jobs } = await answer.json();
  jobs.forEach(update);
  older.hidden = jobs.length < 50;
});

listen({
  onJob: update,
  onWhole: () => {
    older.hidden = document.querySelectorAll(".row[data-id]").length < 50;
    // Those that ended while the service was out of reach, and are not among its last 50.
    list.unfinished().forEach((id) => look(id).catch(() => {}));
  },
  onLink: (up) => {
    document.getElementById("gone").hidden = up;
    if (up) describe().catch(() => {});
  },
});
