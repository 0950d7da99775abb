// Files on their way to the service: one after the other, until each is accepted or refused.
import { call, linked, problem, wait } from "/link.js";
import { remember } from "/names.js";

const waiting = [];
let busy = false;
let most = Infinity;

export const limit = (bytes) => (most = bytes);
export const unsent = () => waiting.length;

// `row` shows what becomes of it: row.say(words), row.accepted(job), row.failed(words).
export function send(file, row) {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const key = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  row.say("waits to be sent");
  waiting.push({ file, key, row });
  if (!busy) pump();
}

async function pump() {
  busy = true;
  while (waiting.length) {
    const { file, key, row } = waiting[0];
    if (!row.cancelled) await one(file, key, row);
    waiting.shift();
  }
  busy = false;
}

// The same key each time: a file whose acceptance was not heard is not a second study.
async function one(file, key, row) {
  if (file.size > most) return row.failed(`larger than ${most / 1e6} MB, the limit here`);
  while (!row.cancelled) {
    row.say("being sent");
    try {
      const answer = await call("/jobs", { method: "POST", body: file, headers: { "Idempotency-Key": key } });
      if (answer.ok) {
        const job = await answer.json();
        remember(job.id, file.name);
        return row.accepted(job);
      }
      if (answer.status !== 429) return row.failed(await problem(answer));
      row.say("waits for a place");
      await wait(1000 * Number(answer.headers.get("Retry-After") ?? 1));
    } catch {
      if (!(await readable(file))) return row.failed("the file cannot be read any more");
      row.say("waits for the server");
      await linked();
    }
  }
}

async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
