/** The lines of an attributes file that tell git which merge driver a log has. Pure, over the bytes of the user's file. */

/** The name that the field's clones have for it already. */
export const LOG_DRIVER = 'spec-kitty-event-log'
/** Of its own, because other programs' drivers for logs can't merge what is derived from one. */
export const SNAPSHOT_DRIVER = 'kittiwake-snapshot'

const DRIVER_BY_PATTERN: ReadonlyMap<string, string> = new Map([
  ['kitty-specs/**/status.events.jsonl', LOG_DRIVER],
  ['kitty-specs/**/decisions.events.jsonl', LOG_DRIVER],
  ['.kittify/events/glossary/*.events.jsonl', LOG_DRIVER],
  ['kitty-specs/**/status.json', SNAPSHOT_DRIVER],
])

/** Patterns without a driver, and those to which the user gave another. */
export function mergeGaps(bytes: Buffer): { readonly absent: string[]; readonly other: string[] } {
  const given = driversIn(bytes)
  const absent: string[] = []
  const other: string[] = []
  for (const [pattern, driver] of DRIVER_BY_PATTERN) {
    const found = given.get(pattern)
    if (found === undefined) absent.push(pattern)
    // The common driver merges snapshots, too, where it is this program.
    else if (found !== driver && found !== LOG_DRIVER) other.push(pattern)
  }
  return { absent, other }
}

/** Whether a log has our driver by this file, so that a clone needs it in its configuration. */
export function wantsDriver(bytes: Buffer): boolean {
  return [...driversIn(bytes).values()].includes(LOG_DRIVER)
}

/** The file with the lines that it lacks behind all others, in its own manner of ending lines. */
export function withMergeLines(bytes: Buffer): Buffer {
  const { absent } = mergeGaps(bytes)
  if (absent.length === 0) return bytes
  const text = bytes.toString('latin1')
  const end = text.includes('\r\n') ? '\r\n' : '\n'
  const gap = text === '' || text.endsWith('\n') ? '' : end
  const lines = absent.map(
    (pattern) => `${pattern} merge=${DRIVER_BY_PATTERN.get(pattern) ?? ''}${end}`,
  )
  return Buffer.concat([bytes, Buffer.from(`${gap}${lines.join('')}`)])
}

/** The last word on each pattern that names a driver, as git takes it. */
function driversIn(bytes: Buffer): ReadonlyMap<string, string> {
  const drivers = new Map<string, string>()
  for (const line of bytes.toString('latin1').split(/\r?\n/)) {
    const [pattern = '', ...attributes] = line.trim().split(/[ \t]+/)
    const driver = attributes.findLast((attribute) => /^[-!]?merge(?:=|$)/.test(attribute))
    if (driver !== undefined && !pattern.startsWith('#')) {
      drivers.set(pattern, driver.replace(/^merge=/, ''))
    }
  }
  return drivers
}
