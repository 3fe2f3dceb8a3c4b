/** How encrypted volumes are opened. */
import { Refusal } from "../../api/call.ts";
import { Field } from "../../parts/form.tsx";
import { t } from "./messages.ts";

interface Props {
  readonly kind: "deployment" | "restore";
  readonly unlock: string;
  readonly setUnlock: (unlock: string) => void;
  readonly passphrases: readonly [string, string];
  readonly setPassphrases: (texts: readonly [string, string]) => void;
}

export function EncryptionFields(
  { kind, unlock, setUnlock, passphrases: [first, second], setPassphrases }: Props,
) {
  const isTyped = kind === "restore" || unlock === "" || unlock === "passphrase";
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
          <select value={unlock} onChange={(event) => setUnlock(event.currentTarget.value)}>
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

/** Throws Refusal if the two are not the same. */
export function passphraseOf([first, second]: readonly [string, string]): { passphrase?: string } {
  if (first !== second) {
    throw new Refusal({ status: 0, title: t("passphrase"), detail: t("differ"), remedy: t("typeAgain") });
  }
  return first === "" ? {} : { passphrase: first };
}
