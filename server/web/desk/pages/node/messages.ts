import type { HistoryKind, HistoryResult } from "#contract/api/node_history.ts";
import { messages } from "../../messages/messages.ts";
import { fieldMessages, hintMessages } from "./field_messages.ts";
import { kindMessages } from "./history_messages.ts";
import type { Key } from "./settings_form.ts";

export { t } from "./page_messages.ts";

const kind = messages(kindMessages.kinds), result = messages(kindMessages.results);
const field = messages(fieldMessages), hint = messages(hintMessages);

export function kindText(key: HistoryKind): string {
  return kind(key);
}

export function resultText(key: HistoryResult): string {
  return result(key);
}

export function fieldText(key: Key): string {
  return field(key);
}

export function fieldHint(key: Key): string | undefined {
  return key in hintMessages ? hint(key as keyof typeof hintMessages) : undefined;
}
