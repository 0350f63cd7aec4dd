/** How git and its hooks call this program: where it stands now, else by its name on the search path. */

export type Program = {
  /** Absolute path of Node. */
  readonly node: string
  /** Absolute path of the program's main file. */
  readonly main: string
}

/** A shell's words; `args` are taken as they are. An upgrade may take the files away, and leave the name. */
export function programLine({ node, main }: Program, args: string): string {
  const [program, file] = [quote(node), quote(main)]
  return `if test -f ${file} && test -x ${program}; then ${program} ${file} ${args}; else kittiwake ${args}; fi`
}

/** One word for a shell; what git's shell on Windows takes, too. */
function quote(path: string): string {
  const slashed = process.platform === 'win32' ? path.replaceAll('\\', '/') : path
  return `'${slashed.replaceAll("'", String.raw`'\''`)}'`
}
