/** The terms of a schedule: what, which nodes, when, and what holds it back. */
import type { WorkName } from "#contract/api/schedules.ts";
import { Check, Choice, Field } from "../../parts/form.tsx";
import { EncryptionFields } from "../order/encryption_fields.tsx";
import { ImageFields } from "../order/image_fields.tsx";
import { t as order } from "../order/messages.ts";
import type { Lineage } from "../order/terms.ts";
import { t } from "./messages.ts";
import type { Form } from "./terms.ts";
import { TimeFields } from "./time_fields.tsx";

interface Props {
  readonly form: Form;
  readonly change: (change: Partial<Form>) => void;
  readonly lineages: readonly Lineage[];
  /** The image has encrypted volumes. */
  readonly isEncrypted: boolean;
  readonly isPassphraseKept: boolean;
  readonly passphrases: readonly [string, string];
  readonly setPassphrases: (texts: readonly [string, string]) => void;
}

const WORKS = ["deploy", "restore", "backup", "check"] as const satisfies readonly WorkName[];

export function ScheduleForm(props: Props) {
  const { form, change } = props;
  return (
    <>
      <Choice
        legend={t("job")}
        name="work"
        value={form.work}
        options={WORKS.map((work) => [work, t(work)] as const)}
        onChange={(work) => change({ work: work as WorkName })}
      />
      <Field label={t("nodes")} hint={t("nodesHint")}>
        <textarea
          rows={2}
          required
          spellcheck={false}
          autocomplete="off"
          value={form.nodes}
          onInput={(event) => change({ nodes: event.currentTarget.value })}
        />
      </Field>
      <WorkFields {...props} />
      <TimeFields form={form} change={change} />
      <LimitFields form={form} change={change} />
    </>
  );
}

function WorkFields(props: Props) {
  switch (props.form.work) {
    case "deploy":
    case "restore":
      return <InstallFields {...props} />;
    case "backup":
      return <BackupFields {...props} />;
    case "check":
      return <CheckFields {...props} />;
  }
}

function InstallFields(props: Props) {
  const { form, change, lineages, isEncrypted, isPassphraseKept } = props;
  const isDeploy = form.work === "deploy";
  return (
    <>
      <ImageFields
        image={form.image}
        change={(image) => change({ image })}
        lineages={lineages}
        none={isDeploy ? undefined : order("itsOwn")}
      />
      {!isDeploy && form.image === "" && (
        <NumberField
          label={t("versionOf")}
          hint={t("assigned")}
          value={form.version}
          onInput={(version) => change({ version })}
        />
      )}
      {!isDeploy && <Check text={t("dryRun")} isOn={form.dryRun} onChange={(dryRun) => change({ dryRun })} />}
      <Choice
        legend={order("start")}
        name="start"
        value={form.start}
        options={[
          ["boot", order("startBoot")],
          ["agent", order("startAgent")],
          ...isDeploy ? [["power", order("startPower")] as const] : [],
        ]}
        onChange={(start) => change({ start: start as Form["start"] })}
      />
      {isDeploy && (
        <Field label={order("identity")}>
          <select
            value={form.identity}
            onChange={(event) => change({ identity: event.currentTarget.value })}
          >
            <option value="">{order("asSet")}</option>
            <option value="assign">{order("assign")}</option>
            <option value="keep">{order("keep")}</option>
            <option value="ask">{order("ask")}</option>
          </select>
        </Field>
      )}
      {isEncrypted && (
        <EncryptionFields
          {...props}
          kind={isDeploy ? "deployment" : "restore"}
          unlock={form.unlock}
          setUnlock={(unlock) => change({ unlock })}
        />
      )}
      {isEncrypted && isPassphraseKept && <p class="dim">{t("passphraseKept")}</p>}
      {!isDeploy && <ComparedPaths form={form} change={change} />}
      <details class="more" open={form.force || form.evenRefused || undefined}>
        <summary>{order("more")}</summary>
        <Check text={order("force")} isOn={form.force} onChange={(force) => change({ force })} />
        <Check
          text={order("evenRefused")}
          isOn={form.evenRefused}
          onChange={(evenRefused) => change({ evenRefused })}
        />
      </details>
    </>
  );
}

function BackupFields({ form, change, lineages }: Props) {
  return (
    <>
      <Check text={t("atBoot")} isOn={form.atBoot} onChange={(atBoot) => change({ atBoot })} />
      {form.atBoot && (
        <ImageFields
          image={form.image}
          change={(image) => change({ image })}
          lineages={lineages}
          none={order("itsOwn")}
        />
      )}
      <PathsField label={t("excludes")} value={form.excludes} onInput={(excludes) => change({ excludes })} />
    </>
  );
}

function CheckFields({ form, change }: Props) {
  return (
    <>
      <ComparedPaths form={form} change={change} />
      <NumberField
        label={t("threshold")}
        hint={t("thresholdHint")}
        least={0}
        value={form.threshold}
        onInput={(threshold) => change({ threshold })}
      />
    </>
  );
}

type Part = Pick<Props, "form" | "change">;

function ComparedPaths({ form, change }: Part) {
  return (
    <>
      <PathsField label={order("keepPaths")} value={form.keep} onInput={(keep) => change({ keep })} />
      <Check
        text={order("checkContent")}
        isOn={form.checkContent}
        onChange={(checkContent) => change({ checkContent })}
      />
    </>
  );
}

function LimitFields({ form, change }: Part) {
  return (
    <fieldset>
      <legend>{t("limitsLegend")}</legend>
      <Field label={t("windows")} hint={t("windowsHint")}>
        <textarea
          rows={2}
          spellcheck={false}
          value={form.windows}
          onInput={(event) => change({ windows: event.currentTarget.value })}
        />
      </Field>
      <NumberField
        label={t("batch")}
        hint={t("unlimited")}
        value={form.batch}
        onInput={(batch) => change({ batch })}
      />
      <NumberField
        label={t("stopAfter")}
        hint={t("neverStops")}
        value={form.stopAfter}
        onInput={(stopAfter) => change({ stopAfter })}
      />
      <NumberField
        label={t("bootHours")}
        hint={t("usualBoot")}
        most={720}
        step="any"
        value={form.bootHours}
        onInput={(bootHours) => change({ bootHours })}
      />
      <Check text={t("catchUp")} isOn={form.catchUp} onChange={(catchUp) => change({ catchUp })} />
    </fieldset>
  );
}

interface NumberProps {
  readonly label: string;
  readonly hint: string;
  readonly least?: number;
  readonly most?: number;
  readonly step?: "any";
  readonly value: string;
  readonly onInput: (text: string) => void;
}

function NumberField({ label, hint, least = 1, most = 10_000, step, value, onInput }: NumberProps) {
  return (
    <Field label={label} hint={hint}>
      <input
        type="number"
        min={step === "any" ? 0.1 : least}
        max={most}
        step={step ?? 1}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Field>
  );
}

function PathsField(
  { label, value, onInput }: { label: string; value: string; onInput: (text: string) => void },
) {
  return (
    <Field label={label} hint={order("keepHint")}>
      <textarea
        rows={2}
        spellcheck={false}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Field>
  );
}
