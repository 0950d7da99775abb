// The way to the service: requests with a token where one is asked for, and what changes.
const SILENCE_MS = 10000; // the service is heard every 3 s
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
let asking = null;

export const link = { up: true, heard: wait(0) };

// The response; a network that fails is an exception.
export async function call(path, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem("token");
    const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    const answer = await fetch(`/api/v1${path}`, { ...options, headers });
    if (answer.status !== 401) return answer;
    if (token === sessionStorage.getItem("token")) sessionStorage.removeItem("token");
    await (asking ??= ask().finally(() => (asking = null)));
  }
}

function ask() {
  const dialog = document.getElementById("ask");
  const input = document.getElementById("token");
  input.value = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener(
      "close",
      () => {
        if (input.value.trim()) sessionStorage.setItem("token", input.value.trim());
        done();
      },
      { once: true },
    );
  });
}

// For ever: tell of each job that changes, of the end of the first list, and of losing the service.
export async function listen({ onJob, onWhole, onLink }) {
  for (;;) {
    const stop = new AbortController();
    let timer = setTimeout(() => stop.abort(), SILENCE_MS);
    try {
      const answer = await call("/events", { signal: stop.signal });
      if (!answer.ok) throw new Error(answer.status);
      link.up = true;
      onLink(true);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(timer);
        timer = setTimeout(() => stop.abort(), SILENCE_MS);
        const events = (text + value).split("\n\n");
        text = events.pop();
        for (const event of events) {
          const [name, data] = event.split("\n");
          if (name === "event: job") onJob(JSON.parse(data.slice(6)));
          if (name === "event: whole") onWhole();
        }
      }
    } catch {
      // said by onLink
    }
    clearTimeout(timer);
    link.up = false;
    onLink(false);
    await wait(1000);
  }
}

// When the service is there; a moment later in any case.
export async function linked() {
  do await wait(500);
  while (!link.up);
}

export async function problem(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return `the service answered ${answer.status}`;
  }
}

export { wait };
