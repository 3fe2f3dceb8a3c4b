/** The field for the search, with what is wrong in it and what can be searched. */
import type { RefObject } from "preact";
import { FIELDS, type Query } from "../../search/query.ts";
import { t } from "./messages.ts";

interface Props {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly text: string;
  readonly query: Query;
  readonly onInput: (text: string) => void;
}

const FAULTS = { field: "badField", number: "badNumber", value: "badValue" } as const;

export function SearchBox({ field, text, query: { faults }, onInput }: Props) {
  return (
    <div class="search" role="search">
      <input
        ref={field}
        type="search"
        value={text}
        placeholder={t("searchHint")}
        aria-label={t("search")}
        aria-describedby="search-faults"
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <details class="search-help">
        <summary>{t("searchHelp")}</summary>
        <p>{t("fields", { fields: FIELDS.map((name) => `${name}:`).join(" ") })}</p>
        <p>{t("grammar")}</p>
      </details>
      <p id="search-faults" class="problem" role="status">
        {faults.map(({ part, fault }) => t(FAULTS[fault], { part })).join("; ")}
      </p>
    </div>
  );
}
