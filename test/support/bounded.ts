/** Root may read and write everywhere, so what rights forbid is run without the capabilities that let it. */
const WITHOUT_CAPABILITIES = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']

/** A command as it must be started so that the rights of files bind it, whoever runs the tests. */
export function bounded(command: string, ...args: readonly string[]): [string, string[]] {
  const isRoot = process.getuid?.() === 0
  const [first = command, ...rest] = [...(isRoot ? WITHOUT_CAPABILITIES : []), command, ...args]
  return [first, rest]
}
