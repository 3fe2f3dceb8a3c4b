/** The serial console, live: it follows its end until the reader scrolls up. */
import { useEffect, useRef, useState } from "preact/hooks";
import { send } from "../../api/call.ts";
import { t } from "./messages.ts";

const EVERY_MS = 2000;
/** Longest text that is shown; the file has all. */
const MAX_SHOWN = 200_000;
/** How near to its end, in pixels, it follows. */
const NEAR = 40;

const UNSHOWN =
  // deno-lint-ignore no-control-regex
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_=>])|[\x00-\x08\x0b-\x1f\x7f]/g;

export function Console({ id, isLive, isOver }: { id: string; isLive: boolean; isOver: boolean }) {
  const [text, setText] = useState("");
  const box = useRef<HTMLPreElement>(null);
  const isFollowing = useRef(true);
  useEffect(() => {
    const abort = new AbortController();
    const read = async () => {
      try {
        const { signal } = abort;
        const whole = await (await send("GET", `/rehearsals/${id}/console`, { signal })).text();
        setText(whole.replaceAll("\r\n", "\n").replace(UNSHOWN, "").slice(-MAX_SHOWN));
      } catch {
        // the next time; the banner tells of a lost connection
      }
    };
    void read();
    const timer = isLive ? setInterval(() => void read(), EVERY_MS) : undefined;
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [id, isLive, isOver]);
  useEffect(() => {
    if (isFollowing.current) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [text]);
  return (
    <div class="serial">
      <div class="bar">
        <h2 id="serial">{t("console")}</h2>
        <a href={`/api/v1/rehearsals/${id}/console`} download={`console-${id}.log`}>{t("download")}</a>
      </div>
      <pre
        ref={box}
        tabIndex={0}
        role="region"
        aria-labelledby="serial"
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          isFollowing.current = scrollHeight - scrollTop - clientHeight < NEAR;
        }}
      >
        {text.trim() === "" ? t("noConsole") : text}
      </pre>
    </div>
  );
}
