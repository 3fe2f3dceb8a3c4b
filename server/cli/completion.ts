/** Shell completions, out of the command tree: commands, options, and values where they are known. */
import { allCommands, type CommandFacts, type OptionFacts } from "./command_tree.ts";

export type Shell = "bash" | "zsh" | "fish";

export function completionOf(tree: CommandFacts, shell: Shell): string {
  switch (shell) {
    case "bash":
      return bash(tree);
    case "zsh":
      return zsh(tree);
    case "fish":
      return fish(tree);
  }
}

type Values = "file" | "none" | readonly string[];

function valuesOf({ value = "", choices }: OptionFacts): Values {
  if (choices.length > 0) return choices;
  return isPath(value) ? "file" : "none";
}

function isPath(name: string): boolean {
  return /^(file|dir|path|tar|disk)$/.test(name);
}

/** `rackseed node` and "set": what a word after a command leads to. */
function stepsOf(tree: CommandFacts): string[] {
  return allCommands(tree).filter(({ path }) => path !== tree.path).map(({ path }) => path);
}

function takesFiles({ arguments: list }: CommandFacts): boolean {
  return list.some(({ name }) => isPath(name));
}

function wordsOf({ commands, options }: CommandFacts): { word: string; about: string }[] {
  return [
    ...commands.map(({ path, description }) => ({ word: path.split(" ").at(-1) ?? "", about: description })),
    ...options.map(({ long, description }) => ({ word: long, about: description })),
  ];
}

/** Options that take a value, as patterns of `case`: "rackseed server --dhcp". */
function valueCases(tree: CommandFacts, line: (values: Values) => string): string {
  const all = allCommands(tree).flatMap(({ path, options }) =>
    options.filter(({ value }) => value !== undefined)
      .map((option) => `    ${quote(`${path} ${option.long}`)}) ${line(valuesOf(option))} ;;`)
  );
  return all.join("\n");
}

function bash(tree: CommandFacts): string {
  const values = valueCases(tree, (values) => {
    if (values === "file") return 'mapfile -t COMPREPLY < <(compgen -f -- "$current"); return';
    if (values === "none") return "return";
    return `mapfile -t COMPREPLY < <(compgen -W ${quote(values.join(" "))} -- "$current"); return`;
  });
  const words = allCommands(tree).map((command) => {
    const list = quote(wordsOf(command).map(({ word }) => word).join(" "));
    return `    ${quote(command.path)}) words=${list}; files=${takesFiles(command) ? "yes" : ""} ;;`;
  });
  return `# bash completion for rackseed, written by \`rackseed completion bash\`
_rackseed() {
  local current=\${COMP_WORDS[COMP_CWORD]} where=rackseed words= files= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$where \${COMP_WORDS[i]}" in
    ${stepsOf(tree).map(quote).join(" | \\\n    ")}) where="$where \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$where \${COMP_WORDS[COMP_CWORD - 1]}" in
${values}
  esac
  case "$where" in
${words.join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; [[ -z $files ]] || compgen -f -- "$current")
}
complete -o filenames -F _rackseed rackseed
`;
}

function zsh(tree: CommandFacts): string {
  const values = valueCases(tree, (values) => {
    if (values === "file") return "_files; return";
    return values === "none" ? "return" : `compadd -- ${values.map(quote).join(" ")}; return`;
  });
  const words = allCommands(tree).map((command) => {
    const list = wordsOf(command).map(({ word, about }) => quote(`${word.replaceAll(":", "\\:")}:${about}`));
    const files = takesFiles(command) ? "; _files" : "";
    return `    ${quote(command.path)}) words_here=(\n      ${list.join("\n      ")}\n    )${files} ;;`;
  });
  return `#compdef rackseed
# zsh completion for rackseed, written by \`rackseed completion zsh\`
_rackseed() {
  local where=rackseed i
  local -a words_here
  for ((i = 2; i < CURRENT; i++)); do
    case "$where \${words[i]}" in
    ${stepsOf(tree).map(quote).join(" | \\\n    ")}) where="$where \${words[i]}" ;;
    esac
  done
  case "$where \${words[CURRENT - 1]}" in
${values}
  esac
  case "$where" in
${words.join("\n")}
  esac
  _describe rackseed words_here
}
# autoloaded, this file is the function itself
if [[ $funcstack[1] = _rackseed ]]; then _rackseed "$@"; else compdef _rackseed rackseed; fi
`;
}

function fish(tree: CommandFacts): string {
  const lines = allCommands(tree).flatMap((command) => {
    const here = `complete -c rackseed -n ${quote(`test (__rackseed_where) = "${command.path}"`)}`;
    const commands = command.commands.map(({ path, description }) =>
      `${here} -a ${quote(path.split(" ").at(-1) ?? "")} -d ${quote(description)}`
    );
    const options = command.options.map((option) => `${here} ${fishOption(option)}`);
    return [...commands, ...options, ...takesFiles(command) ? [`${here} -F`] : []];
  });
  return `# fish completion for rackseed, written by \`rackseed completion fish\`
set -g __rackseed_commands ${stepsOf(tree).map(quote).join(" \\\n  ")}
function __rackseed_where
  set -l where rackseed
  for word in (commandline -opc)[2..-1]
    contains -- "$where $word" $__rackseed_commands; and set where "$where $word"
  end
  echo $where
end
complete -c rackseed -f
${lines.join("\n")}
`;
}

function fishOption(option: OptionFacts): string {
  const name = `-l ${option.long.replace(/^--/, "")} -d ${quote(option.description)}`;
  if (option.value === undefined) return name;
  const values = valuesOf(option);
  if (values === "file") return `${name} -r -F`;
  return values === "none" ? `${name} -x` : `${name} -x -a ${quote(values.join(" "))}`;
}

/** In single quotes, as bash, zsh and fish read them: a quote inside ends them and starts them again. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
