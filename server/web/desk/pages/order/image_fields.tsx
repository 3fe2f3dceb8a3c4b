/** An image, and which version of it. */
import { Field } from "../../parts/form.tsx";
import { t } from "./messages.ts";
import type { Lineage } from "./terms.ts";

interface Props {
  /** NAME, NAME@VERSION or NAME@TAG; "" for none. */
  readonly image: string;
  readonly change: (image: string) => void;
  readonly lineages: readonly Lineage[];
  /** What none stands for; absent: one must be chosen. */
  readonly none?: string | undefined;
}

export function ImageFields({ image, change, lineages, none }: Props) {
  const [name = "", version] = image.split("@");
  const chosen = lineages.find((one) => one.name === name);
  const group = (isBackup: boolean) =>
    lineages.filter((one) => one.isBackup === isBackup).map((one) => (
      <option key={one.name} value={one.name}>{one.name}</option>
    ));
  return (
    <>
      <Field label={t("image")}>
        <select
          value={name}
          required={none === undefined}
          onChange={(event) => change(event.currentTarget.value)}
        >
          <option value="">{none ?? t("choose")}</option>
          <optgroup label={t("images")}>{group(false)}</optgroup>
          {lineages.some(({ isBackup }) => isBackup) && (
            <optgroup label={t("backups")}>{group(true)}</optgroup>
          )}
        </select>
      </Field>
      {chosen && (
        <Field label={t("version")}>
          <select
            value={version === undefined ? name : image}
            onChange={(event) => change(event.currentTarget.value)}
          >
            <option value={name}>{t("newest")}</option>
            {[...chosen.tags, ...chosen.versions].map(({ ref, label }) => (
              <option key={ref} value={ref}>{label}</option>
            ))}
          </select>
        </Field>
      )}
    </>
  );
}
