// What must be true of a repository, of its worktrees and of what lies beside them. Each judge answers its faults.

/** What nobody but a living process may have: locks, temporary files, notes of what is under way. */
const STRAY =
  /\.lock$|(^|[/\\])tmp[-_]|\.tmp$|kittiwake[/\\](?:(?:journal|deferred|glossary)\.json$|unqueued[/\\].)/
/** In our own folder, unfinished files are taken away by whoever writes to a ledger next. */
const UNFINISHED = /(?:^|[/\\])kittiwake[/\\](?:tmp-[^/\\]*|[^/\\]*\.tmp)$/
const EXCLUDED = '/.kittify/sync-state.json*'

/** What native git says against it. */
export function corrupt({ git }) {
  return git.complaints
}

/** A line of a reflog begins with the id with which the line before it ends, and the last ends at the tip. */
export function brokenReflogs({ git }) {
  return git.reflogs.flatMap(({ lines, tip }) => {
    const ends = lines.map((line) => line.split(' ').slice(0, 2))
    const hasGap = ends.some(([from], at) => at > 0 && ends[at - 1][1] !== from)
    const isAtTip = ends.at(-1)?.[1] === tip
    return [
      ...(hasGap ? ['a reflog has a gap'] : []),
      ...(isAtTip ? [] : ['a reflog does not end at the tip']),
    ]
  })
}

/** A cut may take the last line of a reflog, or half of it; no line before it, and none of a commit that came after. */
export function cutReflogs({ cut }) {
  return cut.reflogs.flatMap(({ before, lines, from, tip }) => {
    const isKept = before.every((line, at) => lines[at] === line)
    const isTold = tip === from || lines.at(-1)?.split(' ')[1] === tip
    return [
      ...(isKept ? [] : ['a reflog lost what it had before']),
      ...(isTold ? [] : ['a reflog does not tell of the commit after the cut']),
    ]
  })
}

/** A commit of ours holds one thing; what the user has staged is staged still, and nothing else is changed. */
export function uncleanCommits({ git, commits }) {
  const mixed = commits
    .filter(({ isOurs, isOneThing }) => isOurs && !isOneThing)
    .map(({ files }) => `a commit of ours holds ${JSON.stringify(files)}`)
  const changed = git.isIndexChanged ? ["the user's index is changed"] : []
  const strange = git.strange.map(({ where, line }) => `git status of ${where} says "${line}"`)
  const unstaged = git.isStaged ? [] : ["the user's staged file is not staged"]
  return [...mixed, ...changed, ...strange, ...unstaged]
}

/** `isLedgerIdle`: the last command wrote to no ledger. */
export function leftBehind({ disk }) {
  const faults = disk.names
    .filter((name) => STRAY.test(name) && !(disk.isLedgerIdle && UNFINISHED.test(name)))
    .map((name) => `left behind: ${name}`)
  const ours = disk.exclude.filter((line) => !line.startsWith('#'))
  const known = new Set([EXCLUDED, '.worktrees/'])
  // A line that was cut short hides nothing, and the whole one follows it.
  const strange = ours.filter((line) => !known.has(line) && !EXCLUDED.startsWith(line))
  if (disk.hasCommits && !ours.includes(EXCLUDED)) strange.push('no sync state')
  if (strange.length > 0) faults.push(`info/exclude has ${JSON.stringify(strange)}`)
  return faults
}

/** Each commit that touches the missions has a frame until the hub has confirmed it, in the order of the branch. */
export function lostFrames({ frames: { commits, pending } }) {
  if (pending.join() === commits.join()) return []
  return [`${commits.length} commits, but the frames of ${pending.length} pending`]
}

/** What is made from the logs says what the logs say. */
export function staleFiles({ derived }) {
  return derived
}

/** What programs say of their own stores once nothing runs. */
export function ownWord({ verdicts }) {
  return verdicts
}
