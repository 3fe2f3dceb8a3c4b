/** Reads the server's live feed, and connects again by itself. */
import type { DeskMessage } from "#contract/desk.ts";
import { logInAgain } from "./log_in_again.ts";
import { applyMessage, connection } from "./state.ts";

const FEED = "/page/events";
const RETRY_MS = 2000;
/** The server sends something every 5 s: after this long in silence, the connection is dead although nobody said so. */
const SILENCE_MS = 16_000;

export function watchFeed(): void {
  const events = new EventSource(FEED);
  let silence: ReturnType<typeof setTimeout> | undefined;
  const again = () => {
    clearTimeout(silence);
    events.close();
    lost();
    setTimeout(() => void comeBack(), RETRY_MS);
  };
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(again, SILENCE_MS);
  };
  events.onopen = heard;
  events.onmessage = ({ data }) => {
    heard();
    applyMessage(JSON.parse(data) as DeskMessage);
    if (connection.value.is !== "live") connection.value = { is: "live" };
  };
  events.onerror = again;
}

function lost(): void {
  if (connection.value.is !== "lost") connection.value = { is: "lost", since: Date.now() };
}

/** If the session is over, the page loads again, which shows the login. */
async function comeBack(): Promise<void> {
  const answer = await fetch("/api/v1/me").catch(() => undefined);
  if (answer?.status === 401) return logInAgain();
  watchFeed();
}
