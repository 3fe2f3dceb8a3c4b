/** The head of a table whose last column has actions. */
import { t } from "../messages/common.ts";

/** `columns`: the texts of the other columns. */
export function TableHead({ columns }: { columns: readonly string[] }) {
  return (
    <thead>
      <tr>
        {columns.map((text) => <th key={text} scope="col">{text}</th>)}
        <th scope="col">
          <span class="hidden">{t("actions")}</span>
        </th>
      </tr>
    </thead>
  );
}
