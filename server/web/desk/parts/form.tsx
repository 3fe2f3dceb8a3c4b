/** Controls of forms that hold their values themselves. */
import type { ComponentChildren } from "preact";

export function Field(
  { label, hint, children }: { label: string; hint?: string; children: ComponentChildren },
) {
  return (
    <label class="field">
      {label}
      {children}
      {hint !== undefined && <small>{hint}</small>}
    </label>
  );
}

export function Check(
  { text, isOn, onChange }: { text: string; isOn: boolean; onChange: (isOn: boolean) => void },
) {
  return (
    <label class="tick">
      <input type="checkbox" checked={isOn} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{text}</span>
    </label>
  );
}

export function Choice(
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
