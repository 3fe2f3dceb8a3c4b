/** The order's terms: image, when, names, and what is rarely changed. */
import { Check, Choice, Field } from "../../parts/form.tsx";
import { EncryptionFields } from "./encryption_fields.tsx";
import { ImageFields } from "./image_fields.tsx";
import { t } from "./messages.ts";
import type { Lineage, RestoreHow, Start, Terms } from "./terms.ts";

interface Props {
  readonly kind: "deployment" | "restore";
  readonly terms: Terms;
  readonly change: (change: Partial<Terms>) => void;
  /** Undefined until they are known. */
  readonly lineages: readonly Lineage[] | undefined;
  /** The image has encrypted volumes. */
  readonly isEncrypted: boolean;
  readonly passphrases: readonly [string, string];
  readonly setPassphrases: (texts: readonly [string, string]) => void;
}

export function OrderForm(props: Props) {
  const { kind, terms, change, lineages } = props;
  return (
    <div class="terms">
      {lineages?.length === 0 && <p class="empty">{t("noImages")}</p>}
      <ImageFields
        image={terms.image}
        change={(image) => change({ image })}
        lineages={lineages ?? []}
        none={kind === "restore" ? t("itsOwn") : undefined}
      />
      {kind === "restore" && <RestoreFields terms={terms} change={change} />}
      <Choice
        legend={t("start")}
        name="start"
        value={terms.start}
        options={[
          ["boot", t("startBoot")],
          ["agent", t("startAgent")],
          ...kind === "deployment" ? [["power", t("startPower")] as const] : [],
        ]}
        onChange={(start) => change({ start: start as Start })}
      />
      {terms.start === "power" && (
        <Field label={t("atOnce")}>
          <input
            type="number"
            min={1}
            max={1000}
            required
            value={terms.atOnce}
            onInput={(event) => change({ atOnce: event.currentTarget.value })}
          />
        </Field>
      )}
      {kind === "deployment" && <IdentityFields terms={terms} change={change} />}
      {props.isEncrypted && (
        <EncryptionFields
          {...props}
          unlock={terms.unlock}
          setUnlock={(unlock) => change({ unlock })}
        />
      )}
      <More {...props} />
    </div>
  );
}

type Part = Pick<Props, "terms" | "change">;

function RestoreFields({ terms, change }: Part) {
  return (
    <>
      <Choice
        legend={t("how")}
        name="how"
        value={terms.how}
        options={[["dry-run", t("dryRun")], ["now", t("restoreNow")], ["every-boot", t("everyBoot")]]}
        onChange={(how) => change({ how: how as RestoreHow })}
      />
      <Field label={t("keepPaths")} hint={t("keepHint")}>
        <textarea
          rows={3}
          spellcheck={false}
          value={terms.keep}
          onInput={(event) => change({ keep: event.currentTarget.value })}
        />
      </Field>
      <Check
        text={t("checkContent")}
        isOn={terms.checkContent}
        onChange={(checkContent) => change({ checkContent })}
      />
    </>
  );
}

function IdentityFields({ terms, change }: Part) {
  return (
    <>
      <Field label={t("identity")}>
        <select
          value={terms.identity}
          onChange={(event) => change({ identity: event.currentTarget.value })}
        >
          <option value="">{t("asSet")}</option>
          <option value="assign">{t("assign")}</option>
          <option value="keep">{t("keep")}</option>
          <option value="ask">{t("ask")}</option>
        </select>
      </Field>
      {terms.identity === "ask" && (
        <Field label={t("askMinutes")}>
          <input
            type="number"
            min={1}
            max={1440}
            required
            value={terms.askMinutes}
            onInput={(event) => change({ askMinutes: event.currentTarget.value })}
          />
        </Field>
      )}
    </>
  );
}

function More({ kind, terms, change }: Props) {
  return (
    <details class="more" open={terms.force || terms.evenRefused || undefined}>
      <summary>{t("more")}</summary>
      <Field label={t("finish")}>
        <select value={terms.finish} onChange={(event) => change({ finish: event.currentTarget.value })}>
          <option value="">{t("asSet")}</option>
          <option value="reboot">{t("reboot")}</option>
          <option value="kexec">{t("kexec")}</option>
        </select>
      </Field>
      {kind === "deployment" && (
        <Field label={t("seed")} hint={t("seedHint")}>
          <input
            value={terms.seed}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => change({ seed: event.currentTarget.value.trim() })}
          />
        </Field>
      )}
      <Check text={t("force")} isOn={terms.force} onChange={(force) => change({ force })} />
      <Check
        text={t("evenRefused")}
        isOn={terms.evenRefused}
        onChange={(evenRefused) => change({ evenRefused })}
      />
    </details>
  );
}
