/**
 * What changed between two commits, as git itself compares them: by its plumbing, which obeys no settings for people,
 * with no program of the repository's, each side of a rename by itself, and names as they are.
 */
import { GitError } from '../../errors.ts'
import { runGit } from './native-git.ts'

export type Hunk = {
  readonly removed: readonly string[]
  readonly added: readonly string[]
  /** The number of the first removed line in the version before, and of the first added line in the one after. */
  readonly removedFrom: number
  readonly addedFrom: number
}

export type FileChange = {
  readonly path: string
  /** Added, deleted, modified, or of another type. */
  readonly status: 'A' | 'D' | 'M' | 'T'
  readonly isBinary: boolean
  /** A commit of another repository. */
  readonly isSubmodule: boolean
  readonly isModeChanged: boolean
  readonly hunks: readonly Hunk[]
}

export type Comparison = {
  /** Full object ids: where the two lines part, and the head. */
  readonly base: string
  readonly head: string
  readonly files: readonly FileChange[]
}

const TIMEOUT_MS = 120_000
const GITLINK = '160000'
const OPTIONS = ['-r', '--no-renames', '--ignore-submodules=none', '--no-relative']
const PATCH_OPTIONS = [
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--submodule=short',
  '--full-index',
  '--unified=0',
  '--inter-hunk-context=0',
  '--src-prefix=a/',
  '--dst-prefix=b/',
]

/**
 * What `head` has changed since it parted from `base`. `cwd` is the real path of a checkout.
 *
 * @throws GitError REF_NOT_FOUND, DIFF_FAILED, GIT_MISSING, GIT_TIMEOUT, GIT_VERBOSE; never an empty answer for a failure
 */
export async function compareCommits(cwd: string, base: string, head: string): Promise<Comparison> {
  const [baseId, headId] = [await commitOf(cwd, base), await commitOf(cwd, head)]
  const parting = await git(cwd, ['merge-base', baseId, headId])
  // Lines that never met are compared as they are.
  const from = parting.code === 0 ? parting.stdout.trim() : baseId
  const raw = await mustRun(cwd, ['diff-tree', '--raw', '-z', ...OPTIONS, from, headId])
  const patch = await mustRun(cwd, [
    'diff-tree',
    '--patch',
    ...OPTIONS,
    ...PATCH_OPTIONS,
    from,
    headId,
  ])
  return { base: from, head: headId, files: joined(rawRecords(raw), sectionsOf(patch)) }
}

async function commitOf(cwd: string, ref: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]
  const { code, stdout } = await git(cwd, args)
  if (code === 0 && /^[0-9a-f]{40,64}\s*$/.test(stdout)) return stdout.trim()
  throw new GitError('REF_NOT_FOUND', 'a commit, a tag or a branch that is there is expected', {
    hint: 'Name another one with --base or --head.',
  })
}

async function mustRun(cwd: string, args: readonly string[]): Promise<string> {
  const { code, stdout } = await git(cwd, args)
  if (code === 0) return stdout
  throw failed(`git ended with ${code}`)
}

function git(cwd: string, args: readonly string[]) {
  const variables = { GIT_NO_REPLACE_OBJECTS: '1' }
  return runGit(args, { cwd, timeoutMs: TIMEOUT_MS, variables })
}

type RawRecord = Pick<FileChange, 'path' | 'status' | 'isSubmodule' | 'isModeChanged'>

/** `:old new id id status NUL path NUL`, again and again. */
function rawRecords(text: string): readonly RawRecord[] {
  const parts = text.split('\0')
  const records: RawRecord[] = []
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const found = /^:(\d{6}) (\d{6}) [0-9a-f]+ [0-9a-f]+ ([ADMT])$/.exec(parts[at] ?? '')
    const path = parts[at + 1]
    if (found === null || path === undefined) throw failed('it lists a change of no known kind')
    const [, before = '', after = '', status = ''] = found
    records.push({
      path,
      status: status as FileChange['status'],
      isSubmodule: before === GITLINK || after === GITLINK,
      isModeChanged: status === 'M' && before !== after,
    })
  }
  return records
}

type Section = Pick<FileChange, 'hunks' | 'isBinary'>

/** A part for each file, in the order of the records: a line of content never begins like its first line. */
function sectionsOf(patch: string): readonly Section[] {
  const sections: { hunks: Hunk[]; isBinary: boolean }[] = []
  let hunk: { removed: string[]; added: string[]; removedFrom: number; addedFrom: number } | null =
    null
  // The end of a line is a line feed alone: others are content.
  for (const line of patch.split('\n')) {
    const section = sections.at(-1)
    const head = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line)
    if (line.startsWith('diff --git ')) {
      sections.push({ hunks: [], isBinary: false })
      hunk = null
    } else if (section === undefined) continue
    else if (head !== null) {
      hunk = { removed: [], added: [], removedFrom: Number(head[1]), addedFrom: Number(head[2]) }
      section.hunks.push(hunk)
    } else if (hunk !== null && line.startsWith('-')) hunk.removed.push(line.slice(1))
    else if (hunk !== null && line.startsWith('+')) hunk.added.push(line.slice(1))
    else if (/^Binary files .* differ$/.test(line)) section.isBinary = true
  }
  return sections
}

/** A change of type is told as an end and a beginning. */
function joined(
  records: readonly RawRecord[],
  sections: readonly Section[],
): readonly FileChange[] {
  const left = [...sections]
  const files = records.map((record) => {
    const own = left.splice(0, record.status === 'T' ? 2 : 1)
    if (own.length === 0) throw failed('it has no lines for a file that it lists')
    return {
      ...record,
      isBinary: own.some(({ isBinary }) => isBinary),
      hunks: own.flatMap(({ hunks }) => hunks),
    }
  })
  if (left.length > 0) throw failed('it has lines for a file that it does not list')
  return files
}

function failed(reason: string): GitError {
  return new GitError('DIFF_FAILED', `git could not compare the two: ${reason}`, {
    hint: 'Try `git diff BASE HEAD` in this checkout, and mend what it complains about.',
  })
}
