/** Drafts the map of a bulk edit: where the term stands, of which kind each place is, and what might be done there. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { draftList, draftRules, UNCLASSIFIED } from './bulk-edit-draft.ts'
import { GitError, InputError, ProjectError } from './errors.ts'
import { runGit } from './project/git/native-git.ts'
import { CATEGORIES } from './project/bulk-edit/occurrence-category.ts'
import { MAP_NAME, MAP_SIZE_MAX_BYTES } from './project/bulk-edit/occurrence-map.ts'
import { MISSIONS_FOLDER } from './project/missions/mission-names.ts'
import { replaceFile } from './project/files/replace-file.ts'
import { pathWithoutLinks } from './project/files/safe-path.ts'
import { spelled } from './project/bulk-edit/term.ts'
import type { Mission, Repository } from './project/types.ts'
import { grouped } from './project/bulk-edit/grouped.ts'
import { runOnPool } from './workers/bulk/pool.ts'
import type { ScanAnswer, ScanTask } from './workers/bulk/scan-files.ts'

export type BulkEditPlan = {
  /** The map as YAML. */
  readonly map: string
  readonly files: number
  readonly occurrences: number
  /** By category; `unclassified` for what no kind fits. */
  readonly counts: Readonly<Record<string, number>>
  /** Files that a person has to look at. */
  readonly opaque: ScanAnswer['opaque']
  /** Files that a thread failed on, which were not looked at. */
  readonly unread: number
}

type Options = {
  readonly term: string
  readonly replacement: string | null
  /** Whose occurrences are listed one by one; null: there is a rule for each kind. */
  readonly listedFor: Mission | null
  /** Told of each step. */
  readonly progress: (done: number, all: number) => void
}

const TERM_LENGTH_MAX = 200
const FILES_A_TASK = 250

/**
 * Looks at every file that git tracks, or would, in this checkout.
 *
 * @throws InputError TERM_INVALID; GitError LIST_FAILED, GIT_*
 */
export async function planBulkEdit(
  { worktree }: Repository,
  { term, replacement, listedFor, progress }: Options,
): Promise<BulkEditPlan> {
  if (term.trim() === '' || term.length > TERM_LENGTH_MAX || /[\0\r\n]/.test(term)) {
    throw new InputError(
      'TERM_INVALID',
      `a term of one line and at most ${TERM_LENGTH_MAX} characters is expected`,
    )
  }
  const paths = await filesOf(worktree)
  const terms = spelled(term)
  const tasks: ScanTask[] = []
  for (let at = 0; at < paths.length; at += FILES_A_TASK) {
    tasks.push({ root: worktree, paths: paths.slice(at, at + FILES_A_TASK), terms })
  }
  progress(0, paths.length)
  const answers = await runOnPool<ScanTask, ScanAnswer | null>('scan-files', tasks, {
    lost: () => null,
    onDone: (done) => progress(Math.min(done * FILES_A_TASK, paths.length), paths.length),
  })
  const found = answers.flatMap((answer) => answer?.found ?? [])
  const unread = tasks.reduce(
    (sum, task, at) => sum + (answers[at] === null ? task.paths.length : 0),
    0,
  )
  const byCategory = grouped(found, ({ category }) => category ?? UNCLASSIFIED)
  return {
    map:
      listedFor === null
        ? draftRules(term, replacement, byCategory)
        : draftList(term, listedFor, byCategory),
    files: paths.length,
    occurrences: found.length,
    counts: Object.fromEntries(
      [...CATEGORIES, UNCLASSIFIED].map((name) => [name, byCategory.get(name)?.length ?? 0]),
    ),
    opaque: answers.flatMap((answer) => answer?.opaque ?? []),
    unread,
  }
}

/**
 * Writes the draft as the map of a mission that has none. Answers its path below the root.
 *
 * @throws ProjectError MAP_TOO_LARGE, MAP_EXISTS, PATH_REFUSED, REPOSITORY_READ_ONLY, WRITE_FAILED
 */
export function writeBulkEditPlan(
  repository: Repository,
  { directory }: Mission,
  map: string,
): string {
  const { root } = repository
  if (Buffer.byteLength(map) > MAP_SIZE_MAX_BYTES) {
    throw new ProjectError(
      'MAP_TOO_LARGE',
      `a map of at most ${MAP_SIZE_MAX_BYTES} bytes is read`,
      {
        hint: 'Leave out `--listed`, or choose a term that stands in fewer places.',
      },
    )
  }
  const folders = [MISSIONS_FOLDER, directory]
  const path = join(pathWithoutLinks(root, folders), MAP_NAME)
  const stillWanted = (): boolean => !existsSync(path)
  const isWritten =
    stillWanted() &&
    replaceFile({ root, folders, name: MAP_NAME }, { text: map, mode: 0o644, stillWanted })
  if (isWritten) return [...folders, MAP_NAME].join('/')
  throw new ProjectError('MAP_EXISTS', 'the mission has a map already', {
    hint: 'Compare it with the draft, which is printed without `--write`.',
  })
}

async function filesOf(worktree: string): Promise<readonly string[]> {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const { code, stdout } = await runGit(args, { cwd: worktree })
  if (code === 0) return stdout.split('\0').filter((path) => path !== '')
  throw new GitError('LIST_FAILED', 'git could not list the files of this checkout', {
    hint: 'Try `git ls-files` here, and mend what it complains about.',
  })
}
