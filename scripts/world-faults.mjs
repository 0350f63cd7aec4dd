// What must be true of a mission's world after a command, whoever died before it. Each function says what is wrong; empty is good.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DECISIONS, linesOf, rowsOf, SNAPSHOT, STAGED, STATUS } from './mission-files.mjs'
import { queuedIn, queueFaults } from './record-faults.mjs'
import { recordFaults, seedFaults, snapshotFaults } from './record-faults.mjs'

const AUTHOR = 'Kittiwake'
const EXCLUDED = '/.kittify/sync-state.json*'
/** What nobody but a living process may have: locks, temporary files, notes of what is under way. */
const STRAY =
  /\.lock$|(^|[/\\])tmp[-_]|\.tmp$|kittiwake[/\\](?:(?:journal|deferred|glossary)\.json$|unqueued[/\\].)/
/** In our own folder, unfinished files are taken away by whoever writes to a ledger next. */
const UNFINISHED = /(?:^|[/\\])kittiwake[/\\](?:tmp-[^/\\]*|[^/\\]*\.tmp)$/

export function gitFaults(world) {
  const faults = []
  const git = (cwd, ...args) => spawnSync('git', args, { cwd, env: world.env, encoding: 'utf8' })
  const fsck = git(world.root, 'fsck', '--strict', '--no-dangling')
  if (fsck.status !== 0 || fsck.stderr.trim() !== '') faults.push(`fsck: ${fsck.stderr.trim()}`)
  for (const [at, cwd] of [world.root, world.worktree].entries()) {
    for (const args of [
      ['status', '--porcelain'],
      ['log', '-1'],
      ['ls-files', '--stage'],
    ]) {
      const { status, stderr } = git(cwd, ...args)
      if (status !== 0) faults.push(`git ${args[0]}: ${stderr.trim()}`)
    }
    if (world.indexes !== null && world.indexes[at] !== world.userIndex(cwd)) {
      faults.push("the user's index is changed")
    }
  }
  return faults
}

/** `isLedgerIdle`: the last command wrote to no ledger. */
export async function faultsOf(world, acknowledged, isLedgerIdle = false) {
  const commits = world.commits()
  return [
    ...gitFaults(world),
    ...strayFaults(world, commits, isLedgerIdle),
    ...frameFaults(world),
    ...commitFaults(world),
    ...recordFaults(world),
    ...(await snapshotFaults(world)),
    ...(await seedFaults(world)),
    ...queueFaults(world),
    ...lossFaults(world, acknowledged, new Set(commits)),
    ...statusFaults(world),
    ...reflogFaults(world),
  ]
}

function strayFaults({ root, worktree }, commits, isLedgerIdle) {
  const faults = []
  for (const folder of [join(root, '.git'), join(root, '.kittify'), worktree]) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const isAllowed = isLedgerIdle && UNFINISHED.test(name)
      if (STRAY.test(name) && !isAllowed) faults.push(`left behind: ${name}`)
    }
  }
  const exclude = readFileSync(join(root, '.git', 'info', 'exclude'), 'utf8')
  const ours = linesOf(exclude).filter((line) => !line.startsWith('#'))
  const known = new Set([EXCLUDED, '.worktrees/'])
  // A line that was cut short hides nothing, and the whole one follows it.
  const strange = ours.filter((line) => !known.has(line) && !EXCLUDED.startsWith(line))
  if (!ours.includes(EXCLUDED) && commits.length > 0) strange.push('no sync state')
  if (strange.length > 0) faults.push(`info/exclude has ${JSON.stringify(strange)}`)
  return faults
}

/** Each commit that touches the missions has a frame until the hub has confirmed it. */
function frameFaults(world) {
  const range = `main..${world.branch}`
  const listed = world.git(world.root, 'rev-list', '--reverse', range, '--', 'kitty-specs')
  const path = join(world.root, '.kittify', 'sync-state.json')
  const state = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
  const pending = (state?.pending_local_commits ?? []).map((one) => one.git_hash)
  const commits = linesOf(listed)
  if (pending.join() === commits.join()) return []
  return [`${commits.length} commits, but the frames of ${pending.length} pending`]
}

/** A commit of ours holds one thing, takes nothing away, and no row is in two commits. */
function commitFaults(world) {
  const { seen, branch } = world
  const show = ['-p', '--unified=0', '--no-color', '--no-ext-diff', '--reverse']
  const tip = world.git(world.root, 'rev-parse', branch).trim()
  const range = `${seen.tip}..${tip}`
  const shown = world.git(world.root, 'log', ...show, '--format=%x00%H %an%x00', range).split('\0')
  seen.tip = tip
  const faults = []
  for (let at = 1; at < shown.length; at += 2) {
    const [hash, ...author] = shown[at].split(' ')
    const diff = linesOf(shown[at + 1])
    if (author.join(' ') === AUTHOR) faults.push(...ownFaults(world, diff))
    for (const line of diff) {
      const [row] = line.startsWith('+{"') ? rowsOf(line.slice(1)) : []
      if (row === null) faults.push('a commit holds a line that is no record')
      const id = row?.event_id
      if (id === undefined) continue
      if (seen.commitByEvent.has(id)) faults.push(`the row ${id} is in two commits`)
      seen.commitByEvent.set(id, hash)
    }
  }
  return faults
}

function ownFaults(world, diff) {
  const names = diff.filter((line) => line.startsWith('+++ b/')).map((line) => line.slice(6))
  const files = names.sort().join(' ')
  const whole = [[DECISIONS], [STATUS, SNAPSHOT], [STATUS]]
  const isOne =
    whole.some((one) => one.map((name) => world.pathOf(name)).join(' ') === files) ||
    /^kitty-specs\/[^/ ]+\/plan-\d+\.md$/.test(files)
  const faults = isOne ? [] : [`a commit of ours holds ${JSON.stringify(files)}`]
  if (diff.some((line) => line.startsWith('-{"'))) faults.push('a commit of ours takes a row away')
  return faults
}

function lossFaults(world, acknowledged, commits) {
  const faults = []
  const rows = [DECISIONS, STATUS].flatMap((name) => world.rows(name)).concat(world.glossary())
  // An event that no row stands for is in the outbox alone.
  const all = [...queuedIn(world), ...rows]
  const textById = new Map(all.map((row) => [row?.event_id, JSON.stringify(row)]))
  for (const { event_id, commit, says, path } of acknowledged) {
    if (event_id !== null && !textById.get(event_id)?.includes(says)) {
      faults.push(`the row ${event_id} that says "${says}" is lost`)
    }
    if (commit === null || world.seen.held.has(`${commit} ${event_id}`)) continue
    world.seen.held.add(`${commit} ${event_id}`)
    if (!commits.has(commit)) faults.push(`commit ${commit} was reported and can't be reached`)
    else if (!holds(world, commit, event_id, path)) {
      faults.push(`commit ${commit} does not hold ${event_id ?? path}`)
    }
  }
  return faults
}

function holds(world, commit, event_id, path) {
  if (event_id === null) {
    return world.git(world.root, 'ls-tree', '--name-only', commit, '--', path).trim() === path
  }
  return [DECISIONS, STATUS].some((name) =>
    world.rowsAt(commit, name).some((row) => row?.event_id === event_id),
  )
}

/** The user's file is staged still; of ours only a request may wait for its answer, and a plan for its commit. */
function statusFaults(world) {
  const lines = linesOf(world.git(world.worktree, 'status', '--porcelain', '-uall'))
  const own = new Set([`A  ${STAGED}`, `M  ${STAGED}`, ` M ${world.pathOf(DECISIONS)}`])
  // Before the first commit of ours the log is not in the branch.
  if (world.textAt(world.branch, DECISIONS) === '') own.add(`?? ${world.pathOf(DECISIONS)}`)
  const isPlan = (line) => /^(?:\?\?|A ) kitty-specs\/[^/]+\/plan-\d+\.md$/.test(line)
  const strange = lines.filter((line) => !own.has(line) && !isPlan(line))
  const faults = strange.map((line) => `git status says "${line}"`)
  if (!lines.some((line) => line.endsWith(`  ${STAGED}`)))
    faults.push("the user's staged file is not staged")
  const main = linesOf(world.git(world.root, 'status', '--porcelain'))
  const ours = main.filter(
    (line) => !line.endsWith(' .kittify/') && !line.endsWith(' kitty-specs/'),
  )
  return [...faults, ...ours.map((line) => `git status of the main checkout says "${line}"`)]
}

/** A line of a reflog begins with the id with which the line before it ends, and it ends at the tip. */
function reflogFaults(world) {
  const faults = []
  const tip = world.git(world.root, 'rev-parse', world.branch).trim()
  const gitDir = world.git(world.worktree, 'rev-parse', '--absolute-git-dir').trim()
  for (const log of [
    join(gitDir, 'logs', 'HEAD'),
    join(world.root, '.git', 'logs', 'refs', 'heads', world.branch),
  ]) {
    const lines = linesOf(readFileSync(log, 'utf8'))
    for (const [at, line] of lines.entries()) {
      const before = lines[at - 1]
      if (before !== undefined && before.split(' ')[1] !== line.split(' ')[0]) {
        faults.push('a reflog has a gap')
      }
    }
    if (lines.at(-1)?.split(' ')[1] !== tip) faults.push('a reflog does not end at the tip')
  }
  return faults
}
