/** What the node's agent logs, as it logs it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ConsoleLine, ConsoleView } from "#contract/api/node_history.ts";
import { call, segment } from "../../api/call.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { hourText } from "./days.ts";
import { t } from "./messages.ts";
import type { TabProps } from "./tab_props.ts";

const WAIT_SECONDS = 25;
const RETRY_MS = 3000;
const KEPT_LINES = 2000;

export function ConsoleTab({ name, view }: TabProps) {
  const lines = useConsole(name), box = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(true);
  useEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follows]);
  const noteScroll = () => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = box.current ?? {};
    setFollows(scrollHeight - scrollTop - clientHeight < 40);
  };
  return (
    <>
      <div class="bar">
        <h2>{t("log")}</h2>
        <label>
          <input
            type="checkbox"
            checked={follows}
            onChange={(event) => setFollows(event.currentTarget.checked)}
          />{" "}
          {t("follow")}
        </label>
      </div>
      {lines.length === 0 ? <p class="empty">{view.armed ? t("logWaits") : t("logEmpty")}</p> : (
        <div
          ref={box}
          class="console"
          role="log"
          aria-label={t("log")}
          tabIndex={0}
          onScroll={noteScroll}
        >
          {lines.map(({ number, at, text }) => (
            <div key={number} class={classOf(text)}>
              <time dateTime={at}>{hourText(at)}</time>
              <span>{text}</span>
            </div>
          ))}
        </div>
      )}
      <p class="dim">{t("logAbout")}</p>
      <Command line={commandLine("rackseed", "node", "log", name, "--follow")} />
    </>
  );
}

/** A new step, a command, or what a command said. */
function classOf(text: string): string {
  if (/^step \S+$/.test(text)) return "begins";
  return text.startsWith("$ ") ? "runs" : "says";
}

function useConsole(name: string): readonly ConsoleLine[] {
  const [lines, setLines] = useState<readonly ConsoleLine[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    setLines([]);
    void follow(name, {
      signal: abort.signal,
      onLines: (more) => setLines((old) => [...old, ...more].slice(-KEPT_LINES)),
    });
    return () => abort.abort();
  }, [name]);
  return lines;
}

/** Asks until the signal aborts. A server that restarted has lost the lines, and begins again. */
async function follow(
  name: string,
  { signal, onLines }: { signal: AbortSignal; onLines: (lines: readonly ConsoleLine[]) => void },
): Promise<void> {
  let after = 0, waitSeconds = 0;
  while (!signal.aborted) {
    const path = `/nodes/${segment(name)}/console?after=${after}&waitSeconds=${waitSeconds}`;
    try {
      const { lines, next } = await call<ConsoleView>("GET", path, { signal });
      if (lines.length > 0) onLines(lines);
      after = next;
      waitSeconds = WAIT_SECONDS;
    } catch {
      if (signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
