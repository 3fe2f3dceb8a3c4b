/** The real Ansible, with the collection installed out of the archive that the build makes. */
import assert from "node:assert/strict";
import settings from "../../deno.json" with { type: "json" };
import { writeCollection } from "../../scripts/packages/collection.ts";
import { pythonPrograms } from "./python_programs.ts";

const PACKAGES = [
  ...["ansible-core==2.19.14", "cffi==2.1.1", "cryptography==50.0.2", "Jinja2==3.1.6", "MarkupSafe==3.0.4"],
  ...["packaging==26.4", "pycparser==3.12", "PyYAML==6.0.4", "resolvelib==1.2.1"],
  // ansible-lint
  ...["ansible-lint==26.10.1", "ansible-compat==26.10.0", "attrs==26.1.0", "black==26.10.1", "bracex==3.2.3"],
  ...["click==8.5.1", "distro==1.9.0", "filelock==4.3.1", "jsonschema==4.26.0"],
  ...["jsonschema-specifications==2025.9.1", "mypy_extensions==1.2.0", "pathspec==1.1.1"],
  ...["platformdirs==4.14.8", "pytokens==0.4.1", "referencing==0.37.0", "rpds-py==2026.9.1"],
  ...["ruamel.yaml==0.19.1", "subprocess-tee==0.4.2", "typing_extensions==4.16.0", "wcmatch==12.0.1"],
  "yamllint==1.38.0",
  // ansible-test's validate-modules
  ...["antsibull-docs-parser==1.0.0", "voluptuous==0.15.2"],
];
export const COLLECTION = new URL("../../server/ansible", import.meta.url).pathname;

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A task of this collection's module `rackseed_NAME`. */
export interface Task {
  readonly module: "node" | "deployment";
  readonly args: object;
  readonly check?: true;
}

/** What Ansible registers for a task. */
export interface TaskResult {
  readonly changed: boolean;
  readonly failed?: boolean;
  readonly msg?: string;
  readonly diff?: { readonly before: unknown; readonly after: unknown };
  readonly [member: string]: unknown;
}

export class Ansible implements AsyncDisposable {
  /** Below it, programs run and may write. */
  readonly folder: string;
  readonly bin: string;

  private constructor(folder: string, bin: string) {
    this.folder = folder;
    this.bin = bin;
  }

  /** Undefined if Ansible cannot be installed here. */
  static async install(): Promise<Ansible | undefined> {
    const bin = await pythonPrograms("ansible-1", PACKAGES);
    if (bin === undefined) return undefined;
    const ansible = new Ansible(await Deno.makeTempDir({ prefix: "rackseed-ansible-" }), bin);
    await Deno.writeTextFile(`${ansible.folder}/ansible.cfg`, settingsFor(ansible.folder));
    const archive = `${ansible.folder}/rackseed-rackseed-${settings.version}.tar.gz`;
    await writeCollection(COLLECTION, { version: settings.version, epoch: 1_800_000_000, output: archive });
    const args = ["collection", "install", archive, "--offline", "-p", `${ansible.folder}/collections`];
    const { code, stdout, stderr } = await ansible.run("ansible-galaxy", args);
    assert.equal(code, 0, stdout + stderr);
    return ansible;
  }

  async run(
    program: string,
    args: string[],
    { env = {}, cwd = this.folder }: { env?: Record<string, string>; cwd?: string } = {},
  ): Promise<Output> {
    const { code, stdout, stderr } = await new Deno.Command(`${this.bin}/${program}`, {
      args,
      cwd,
      env: {
        // nothing of this machine's own settings and caches
        HOME: this.folder,
        ANSIBLE_CONFIG: `${this.folder}/ansible.cfg`,
        LC_ALL: "C.UTF-8",
        PATH: `${this.bin}:${Deno.env.get("PATH")}`,
        ...env,
      },
    }).output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  }

  /** Runs the tasks as one playbook on this machine, past those that fail; returns what each registered. */
  async play(
    tasks: readonly Task[],
    env: Record<string, string>,
  ): Promise<TaskResult[] & { output: string }> {
    const id = crypto.randomUUID().slice(0, 8), results = `${this.folder}/${id}.json`;
    const play = {
      hosts: "localhost",
      gather_facts: false,
      tasks: [
        ...tasks.map(({ module, args, check }, i) => ({
          [`rackseed.rackseed.rackseed_${module}`]: args,
          register: `result${i}`,
          ignore_errors: true,
          ...check && { check_mode: true },
        })),
        {
          "ansible.builtin.copy": {
            content: `{{ [${tasks.map((_, i) => `result${i}`).join(", ")}] | to_json }}`,
            dest: results,
          },
          diff: false,
        },
      ],
    };
    // JSON is YAML
    await Deno.writeTextFile(`${this.folder}/${id}.yml`, JSON.stringify([play]));
    const { code, stdout, stderr } = await this.run("ansible-playbook", ["--diff", `${id}.yml`], { env });
    const output = stdout + stderr;
    assert.equal(code, 0, output);
    return Object.assign(JSON.parse(await Deno.readTextFile(results)) as TaskResult[], { output });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

function settingsFor(folder: string): string {
  return `[defaults]
collections_path = ${folder}/collections
localhost_warning = false
nocolor = true
[connection]
pipelining = true
[inventory]
inventory_unparsed_warning = false
`;
}
