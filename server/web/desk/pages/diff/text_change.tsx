/** What changed in a text file, once it is asked for: reading is audited. */
import { useState } from "preact/hooks";
import type { DiffRow, TextDiff } from "#contract/api/files.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { Refused } from "../../parts/problem.tsx";
import { pathQuery } from "../files/paths.ts";
import { t } from "./messages.ts";

interface Props {
  readonly from: string;
  readonly to: string;
  readonly row: DiffRow;
}

export function TextChange(props: Props) {
  const { name, isPrivate } = props.row;
  const [isWanted, setIsWanted] = useState(!isPrivate);
  if (isWanted) return <Text {...props} />;
  return (
    <div class="text-change">
      <p class="warn">⚠ {t("secret")}</p>
      <button type="button" aria-label={`${t("showAnyway")}: ${name}`} onClick={() => setIsWanted(true)}>
        {t("showAnyway")}
      </button>
    </div>
  );
}

function Text({ from, to, row: { name, path } }: Props) {
  const { value, refusal } = useResource<TextDiff>(
    `/images/${segment(from)}/diff/${segment(to)}/text?${pathQuery(path)}`,
  );
  if (refusal) return <Refused refusal={refusal} />;
  if (!value) return <p class="dim">{common("loading")}</p>;
  if (value.diff === "") return <p class="dim">{t("sameText")}</p>;
  // the first two lines are the names
  const lines = value.diff.replace(/\n$/, "").split("\n").slice(2);
  return (
    <div class="text-change">
      {value.isWhole && <p class="dim">{t("isWhole")}</p>}
      <pre tabIndex={0} aria-label={t("textOf", { name })}>
        {lines.map((line, i) => <span key={i} class={CLASSES[line[0] ?? ""]}>{`${line}\n`}</span>)}
      </pre>
    </div>
  );
}

const CLASSES: Readonly<Record<string, string>> = {
  "+": "line added",
  "-": "line removed",
  "@": "line place",
};
