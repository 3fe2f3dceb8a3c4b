/** Rows of machines that appeared and are no nodes. */
import type { MachineView } from "#contract/api/machines.ts";
import { formatTime } from "../../words/figures.ts";
import { describeFirmware, describeOrder, describeProtocols } from "../../words/machine_text.ts";

export function MachineRow({ machine, canAdopt }: { machine: MachineView; canAdopt: boolean }) {
  const { id, mac, vendor, sighting, seen, address } = machine;
  const order = describeOrder(machine);
  return (
    <tr id={`machine-${id}`} data-sort={sighting.first}>
      <th scope="row">
        {mac}
        {vendor !== undefined && <small>{vendor}</small>}
        {order !== undefined && <small>{order}</small>}
      </th>
      <td>{describeFirmware(machine)}</td>
      <td>{describeProtocols(machine)}</td>
      <td>{formatTime(sighting.first)}</td>
      <td>
        {formatTime(seen)}
        <small>{sighting.appearances === 1 ? "once" : `${sighting.appearances} times`}</small>
      </td>
      <td>{address ?? "–"}</td>
      <td>
        {canAdopt && (
          <button type="button" id={`adopt-${id}`} data-adopt={mac}>
            Adopt…<span class="hidden">{mac}</span>
          </button>
        )}
      </td>
    </tr>
  );
}

/** Asks for the name of the node that a machine becomes. */
export function AdoptDialog() {
  return (
    <dialog id="adopt-dialog" aria-labelledby="adopt-title">
      <form>
        <h2 id="adopt-title">
          Make a node of <span id="adopt-mac"></span>
        </h2>
        <label>
          Name
          <input
            name="node"
            required
            pattern="[a-zA-Z0-9][a-zA-Z0-9._\-]{0,62}"
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <p>
          Nothing is installed on it until it is deployed. For many at once: rackseed machine adopt --names
        </p>
        <p class="problem" role="alert"></p>
        <div class="actions">
          <button type="button" value="close">Cancel</button>
          <button type="submit" class="primary">Adopt</button>
        </div>
      </form>
    </dialog>
  );
}
