/** Which ref, and which folder in it, holds the ledger of a mission, found from the refs of any clone. */
import { GitError } from '../../../errors.ts'
import { listRefs, readHead, resolveRef } from '../../../project/git/git-files.ts'
import { isOid } from '../../../project/git/object-id.ts'
import type { CommitGraph, CommitNode } from '../objects/commit-graph.ts'

export type MissionRef = {
  /** Full name; `HEAD` where it is detached. */
  readonly ref: string
  readonly commit: CommitNode
  /** Directory name below `kitty-specs`. */
  readonly directory: string
}

export type MissionRefOptions = {
  readonly commonDir: string
  /** A mission's directory name, slug, ULID, or the ULID's first eight characters. */
  readonly mission: string
  /** Instead of the mission's own branch. */
  readonly ref?: string
}

const BRANCH_PREFIX = 'kitty/mission-'
const MID8 = /^[0-9A-HJKMNP-TV-Z]{8}(?:[0-9A-HJKMNP-TV-Z]{18})?$/i
const SAFE_NAME = /^(?![. ])(?!.*\.\.)[\x20-\x7e]{1,255}(?<![ ])$/

/** @throws GitError MISSION_NOT_FOUND, MISSION_AMBIGUOUS, REF_NOT_FOUND. */
export async function findMissionRef(
  graph: CommitGraph,
  { commonDir, mission, ref }: MissionRefOptions,
): Promise<MissionRef> {
  if (!SAFE_NAME.test(mission) || /[/\\]/.test(mission)) throw missionNotFound()
  if (ref !== undefined) {
    const resolved = resolve(commonDir, ref)
    if (resolved === null) throw refNotFound()
    return inTree(graph, mission, resolved)
  }
  for (const { namespace, names } of branchNamespaces(commonDir)) {
    const directories = names
      .filter((name) => name.startsWith(BRANCH_PREFIX))
      .map((name) => name.slice(BRANCH_PREFIX.length))
    const directory = choose(mission, directories)
    if (directory === null) continue
    const full = `${namespace}${BRANCH_PREFIX}${directory}`
    const oid = resolveRef(commonDir, full)
    if (oid !== null) return { ref: full, commit: await graph.peel(oid), directory }
  }
  const head = resolveHead(commonDir)
  if (head === null) throw missionNotFound()
  return inTree(graph, mission, head)
}

async function inTree(
  graph: CommitGraph,
  mission: string,
  { ref, oid }: { ref: string; oid: string },
): Promise<MissionRef> {
  const commit = await graph.peel(oid)
  const specs = await graph.entryAt(commit.tree, 'kitty-specs')
  const entries = specs?.isTree === true ? await graph.tree(specs.oid) : []
  const names = entries.filter((entry) => entry.isTree).map((entry) => entry.name)
  const directory = choose(mission, names)
  if (directory === null) throw missionNotFound()
  return { ref, commit, directory }
}

/** The one directory that the reference means, or null. The exact name wins. */
function choose(mission: string, directories: readonly string[]): string | null {
  if (directories.includes(mission)) return mission
  const mid8 = MID8.test(mission) ? mission.slice(0, 8).toUpperCase() : null
  const matches = directories.filter((directory) => {
    const slug = /^(.+)-([0-9A-HJKMNP-TV-Z]{8})$/i.exec(directory)
    if (slug === null) return false
    return slug[1] === mission || slug[2]?.toUpperCase() === mid8
  })
  if (matches.length > 1) {
    throw new GitError('MISSION_AMBIGUOUS', 'More than one mission goes by this name.', {
      hint: 'Name the mission by its whole directory name or its id.',
    })
  }
  return matches[0] ?? null
}

/** The local branches, then those of each remote, `origin` first. */
function branchNamespaces(
  commonDir: string,
): readonly { namespace: string; names: readonly string[] }[] {
  const names = refsBelow(commonDir, 'refs/heads/')
  const tracked = refsBelow(commonDir, 'refs/remotes/')
  // A remote's name may itself contain a slash.
  const remotes = new Set<string>()
  for (const name of tracked) {
    const at = name.indexOf(`/${BRANCH_PREFIX}`)
    if (at !== -1) remotes.add(name.slice(0, at + 1))
  }
  const sorted = [...remotes].sort(
    (a, b) => Number(b === 'origin/') - Number(a === 'origin/') || (a < b ? -1 : 1),
  )
  return [
    { namespace: 'refs/heads/', names },
    ...sorted.map((remote) => ({
      namespace: `refs/remotes/${remote}`,
      names: tracked
        .filter((name) => name.startsWith(remote))
        .map((name) => name.slice(remote.length)),
    })),
  ]
}

function refsBelow(commonDir: string, prefix: string): readonly string[] {
  return listRefs(commonDir, prefix).map(({ ref }) => ref.slice(prefix.length))
}

/** As git does for a short name, or null. */
function resolve(commonDir: string, name: string): { ref: string; oid: string } | null {
  if (name === 'HEAD') return resolveHead(commonDir)
  if (isOid(name)) return { ref: name, oid: name }
  if (name.split('/').some((part) => part === '' || part === '..' || part.startsWith('.'))) {
    return null
  }
  const candidates = [
    ...(name.startsWith('refs/') ? [name] : []),
    `refs/heads/${name}`,
    `refs/tags/${name}`,
    `refs/remotes/${name}`,
    `refs/remotes/${name}/HEAD`,
  ]
  for (const ref of candidates) {
    const oid = resolveRef(commonDir, ref)
    if (oid !== null) return { ref, oid }
  }
  return null
}

function resolveHead(commonDir: string): { ref: string; oid: string } | null {
  const { ref, oid } = readHead(commonDir, commonDir)
  return oid === null ? null : { ref: ref ?? 'HEAD', oid }
}

function missionNotFound(): GitError {
  return new GitError(
    'MISSION_NOT_FOUND',
    'No branch and no folder of this repository is named so.',
    {
      hint: 'Name the mission by directory, slug or id; fetch its branch, or name a ref that holds it.',
    },
  )
}

function refNotFound(): GitError {
  return new GitError('REF_NOT_FOUND', 'The ref is not in this repository.', {
    hint: 'Fetch it, or name a branch, tag or commit that is here.',
  })
}
