/** The order's terms: image, when, names, and what is rarely changed. */
import type { ComponentChildren } from "preact";
import type { Lineage, RestoreHow, Start, Terms } from "./terms.ts";
import { t } from "./messages.ts";

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
      <ImageFields kind={kind} terms={terms} change={change} lineages={lineages ?? []} />
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
      {props.isEncrypted && <EncryptionFields {...props} />}
      <More {...props} />
    </div>
  );
}

type Part = Pick<Props, "terms" | "change">;

function ImageFields(
  { kind, terms, change, lineages }: Part & Pick<Props, "kind"> & { lineages: readonly Lineage[] },
) {
  const [name = "", version] = terms.image.split("@");
  const chosen = lineages.find((one) => one.name === name);
  const isRestore = kind === "restore";
  const group = (isBackup: boolean) =>
    lineages.filter((one) => one.isBackup === isBackup).map((one) => (
      <option key={one.name} value={one.name}>{one.name}</option>
    ));
  return (
    <>
      <Field label={t("image")}>
        <select
          value={name}
          required={!isRestore}
          onChange={(event) => change({ image: event.currentTarget.value })}
        >
          <option value="">{isRestore ? t("itsOwn") : t("choose")}</option>
          <optgroup label={t("images")}>{group(false)}</optgroup>
          {lineages.some(({ isBackup }) => isBackup) && (
            <optgroup label={t("backups")}>{group(true)}</optgroup>
          )}
        </select>
      </Field>
      {chosen && (
        <Field label={t("version")}>
          <select
            value={version === undefined ? name : terms.image}
            onChange={(event) => change({ image: event.currentTarget.value })}
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

function EncryptionFields({ kind, terms, change, passphrases: [first, second], setPassphrases }: Props) {
  const isTyped = kind === "restore" || terms.unlock === "" || terms.unlock === "passphrase";
  const field = (label: string, value: string, set: (text: string) => void) => (
    <Field label={label}>
      <input
        type="password"
        autocomplete="new-password"
        minLength={8}
        value={value}
        onInput={(event) => set(event.currentTarget.value)}
      />
    </Field>
  );
  return (
    <>
      {kind === "deployment" && (
        <Field label={t("unlock")}>
          <select value={terms.unlock} onChange={(event) => change({ unlock: event.currentTarget.value })}>
            <option value="">{t("asSet")}</option>
            <option value="passphrase">{t("passphraseWay")}</option>
            <option value="key-file">{t("keyFile")}</option>
            <option value="tpm2">{t("tpm2")}</option>
          </select>
        </Field>
      )}
      {isTyped && field(t("passphrase"), first, (text) => setPassphrases([text, second]))}
      {isTyped && first !== "" && field(t("again"), second, (text) => setPassphrases([first, text]))}
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

function Field({ label, hint, children }: { label: string; hint?: string; children: ComponentChildren }) {
  return (
    <label class="field">
      {label}
      {children}
      {hint !== undefined && <small>{hint}</small>}
    </label>
  );
}

function Check({ text, isOn, onChange }: { text: string; isOn: boolean; onChange: (isOn: boolean) => void }) {
  return (
    <label class="tick">
      <input type="checkbox" checked={isOn} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{text}</span>
    </label>
  );
}

function Choice(
  { legend, name, value, options, onChange }: {
    legend: string;
    name: string;
    value: string;
    options: readonly (readonly [value: string, text: string])[];
    onChange: (value: string) => void;
  },
) {
  return (
    <fieldset class="ticks">
      <legend>{legend}</legend>
      {options.map(([option, text]) => (
        <label class="tick" key={option}>
          <input
            type="radio"
            name={name}
            value={option}
            checked={option === value}
            onChange={() => onChange(option)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
