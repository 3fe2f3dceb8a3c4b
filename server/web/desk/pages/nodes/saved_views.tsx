/** Views that the reader gave a name; the browser keeps them. */
import { useState } from "preact/hooks";
import { t } from "./messages.ts";

const KEY = "rackseed.node-views";
const MAX_VIEWS = 30;

/** Name → "?q=…". */
type Views = Readonly<Record<string, string>>;

function read(): Views {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof stored !== "object" || stored === null) return {};
    return Object.fromEntries(
      Object.entries(stored).filter((view): view is [string, string] => typeof view[1] === "string").slice(
        0,
        MAX_VIEWS,
      ),
    );
  } catch {
    return {};
  }
}

export function SavedViews({ search }: { search: string }) {
  const [views, setViews] = useState(read);
  const [name, setName] = useState("");
  const store = (next: Views) => {
    localStorage.setItem(KEY, JSON.stringify(next));
    setViews(next);
  };
  const save = (event: Event) => {
    event.preventDefault();
    if (name.trim() === "") return;
    store(Object.fromEntries([...Object.entries(views), [name.trim(), search]].slice(-MAX_VIEWS)));
    setName("");
  };
  const remove = (name: string) =>
    store(Object.fromEntries(Object.entries(views).filter(([other]) => other !== name)));
  return (
    <details class="menu">
      <summary>{t("savedViews")}</summary>
      <div>
        <ul>
          {Object.entries(views).map(([name, search]) => (
            <li key={name}>
              <a href={`/nodes${search}`}>{name}</a>
              <button
                type="button"
                class="plain"
                aria-label={t("removeView", { name })}
                onClick={() => remove(name)}
              >
                ✕
              </button>
            </li>
          ))}
        </ul>
        <form onSubmit={save}>
          <input
            value={name}
            maxLength={60}
            aria-label={t("viewName")}
            placeholder={t("viewName")}
            onInput={(event) => setName(event.currentTarget.value)}
          />
          <button type="submit" disabled={name.trim() === ""}>{t("saveView")}</button>
        </form>
      </div>
    </details>
  );
}
