/**
 * What work packages are called: by their file in `tasks/`, which people edit, else by the row that introduced them. Read where
 * it is checked out, in the mission's worktree or the primary checkout.
 */
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import type { WorkPackage } from './contracts/ledgers/fold-status.ts'
import { isText } from './contracts/values/scalars.ts'
import { KittiwakeError } from './errors.ts'
import { createSanitizer } from './events/sanitize.ts'
import { readBounded } from './project/files/bounded-file.ts'
import { gatherLiterals } from './project/literals.ts'
import { MISSIONS_FOLDER } from './project/missions/mission-names.ts'
import { resolvePlacement } from './project/missions/placement.ts'
import { pathWithoutLinks } from './project/files/safe-path.ts'
import type { Mission, Repository } from './project/types.ts'

const TASKS_FOLDER = 'tasks'
/** `WP01.md`, `WP01-first-steps.md`. */
const PACKAGE_FILE = /^(WP\d{2})(?:-[^/]*)?\.md$/
const FILE_BYTES_MAX = 1024 * 1024
const FILES_MAX = 1_000
const FRONT_MATTER_LENGTH_MAX = 64 * 1024
/** More than 200 characters, of which 199 stay. */
const TOO_LONG = /^(.{199}).{2,}$/su

type Named = Pick<WorkPackage, 'wp_id' | 'title'>

/** By id, sanitized, a line each; a package without a title is left out, and so is a file that can't be read. */
export async function packageTitles(
  repository: Repository,
  mission: Mission,
  packages: Iterable<Named>,
): Promise<Readonly<Record<string, string>>> {
  const known = [...packages]
  const titles = new Map(
    known.flatMap(({ wp_id, title }) => (title === null ? [] : [[wp_id, title] as const])),
  )
  const written = new Map<string, string>()
  for (const folder of await foldersOf(repository, mission)) {
    for (const [id, title] of titlesIn(folder)) if (!written.has(id)) written.set(id, title)
  }
  if (written.size > 0) {
    // What came by the log was sanitized on its way there.
    const sanitizer = createSanitizer(await gatherLiterals(repository))
    for (const { wp_id } of known) {
      const title = written.get(wp_id)
      if (title !== undefined) titles.set(wp_id, sanitizer.sanitize(title).value as string)
    }
  }
  return Object.fromEntries([...titles].map(([id, title]) => [id, shortened(title)]))
}

async function foldersOf(repository: Repository, mission: Mission): Promise<readonly string[]> {
  const primary = (): string =>
    pathWithoutLinks(repository.root, [MISSIONS_FOLDER, mission.directory, TASKS_FOLDER])
  const placement = await resolvePlacement(repository, mission).catch((error: unknown) => {
    if (error instanceof KittiwakeError) return null
    throw error
  })
  try {
    return placement === null ? [primary()] : [join(placement.missionPath, TASKS_FOLDER), primary()]
  } catch (error) {
    // A link where a folder is expected.
    if (error instanceof KittiwakeError) return []
    throw error
  }
}

function titlesIn(folder: string): readonly (readonly [string, string])[] {
  let names: readonly string[]
  try {
    if (!lstatSync(folder).isDirectory()) return []
    names = readdirSync(folder).sort().slice(0, FILES_MAX)
  } catch {
    return []
  }
  return names.flatMap((name) => {
    const id = PACKAGE_FILE.exec(name)?.[1]
    const title = id === undefined ? null : titleOf(join(folder, name))
    return id === undefined || title === null ? [] : [[id, title] as const]
  })
}

function titleOf(path: string): string | null {
  const file = readBounded(path, FILE_BYTES_MAX, { followLink: false })
  if (file.state !== 'read') return null
  const start = file.bytes.toString('utf8', 0, FRONT_MATTER_LENGTH_MAX)
  const block = /^\ufeff?---\r?\n([\s\S]*?)\r?\n---\s*(?:\r?\n|$)/.exec(start)?.[1]
  if (block === undefined) return null
  const document = parseDocument(block, { uniqueKeys: false, logLevel: 'silent' })
  if (document.errors.length > 0) return null
  const title: unknown = document.get('title')
  return isText(title) && title.trim() !== '' ? title.trim() : null
}

function shortened(title: string): string {
  return title.replace(TOO_LONG, '$1…')
}
