/** When it runs: in words, or as a cron expression; and by which clock. */
import { useId, useMemo } from "preact/hooks";
import { Field } from "../../parts/form.tsx";
import { t } from "./messages.ts";
import type { Form } from "./terms.ts";
import { cronOf, type Often, type Times } from "./times.ts";
import { DAYS, WEEK } from "./words.ts";

const OFTEN = ["hourly", "daily", "weekly", "monthly", "cron"] as const satisfies readonly Often[];

export function TimeFields({ form, change }: { form: Form; change: (change: Partial<Form>) => void }) {
  const { times } = form;
  const set = (part: Partial<Times>) => change({ times: { ...times, ...part } });
  const choose = (often: Often) =>
    // the expression begins as what the words said
    set(often === "cron" ? { often, cron: cronOf(times) || times.cron } : { often });
  return (
    <fieldset>
      <legend>{t("times")}</legend>
      <Field label={t("often")}>
        <select value={times.often} onChange={(event) => choose(event.currentTarget.value as Often)}>
          {OFTEN.map((often) => <option key={often} value={often}>{t(often)}</option>)}
        </select>
      </Field>
      {times.often === "weekly" && <Days days={times.days} onChange={(days) => set({ days })} />}
      {times.often === "monthly" && (
        <Whole
          label={t("dayOfMonth")}
          least={1}
          most={31}
          value={times.dayOfMonth}
          onInput={(dayOfMonth) => set({ dayOfMonth })}
        />
      )}
      {times.often === "hourly" && (
        <Whole
          label={t("minute")}
          least={0}
          most={59}
          value={times.minute}
          onInput={(minute) => set({ minute })}
        />
      )}
      {times.often === "cron" && (
        <Field label={t("cron")} hint={t("cronHint")}>
          <input
            required
            spellcheck={false}
            autocomplete="off"
            value={times.cron}
            onInput={(event) => set({ cron: event.currentTarget.value })}
          />
        </Field>
      )}
      {times.often !== "hourly" && times.often !== "cron" && (
        <Field label={t("clock")}>
          <input
            type="time"
            required
            value={times.clock}
            onInput={(event) => set({ clock: event.currentTarget.value })}
          />
        </Field>
      )}
      <Zone zone={form.zone} onInput={(zone) => change({ zone })} />
    </fieldset>
  );
}

function Days({ days, onChange }: { days: readonly number[]; onChange: (days: number[]) => void }) {
  return (
    <fieldset class="days">
      <legend>{t("days")}</legend>
      {WEEK.map((day) => (
        <label key={day} class="tick">
          <input
            type="checkbox"
            checked={days.includes(day)}
            onChange={(event) =>
              onChange(event.currentTarget.checked ? [...days, day] : days.filter((one) => one !== day))}
          />
          <span>{DAYS[day]}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Zone({ zone, onInput }: { zone: string; onInput: (zone: string) => void }) {
  const id = useId();
  // of the browser's own table; another one may be typed
  const zones = useMemo(() => Intl.supportedValuesOf("timeZone"), []);
  return (
    <Field label={t("zone")} hint={t("zoneHint")}>
      <input
        list={id}
        spellcheck={false}
        autocomplete="off"
        value={zone}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <datalist id={id}>{zones.map((one) => <option key={one} value={one} />)}</datalist>
    </Field>
  );
}

interface WholeProps {
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly value: string;
  readonly onInput: (text: string) => void;
}

function Whole({ label, least, most, value, onInput }: WholeProps) {
  return (
    <Field label={label}>
      <input
        type="number"
        required
        min={least}
        max={most}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Field>
  );
}
