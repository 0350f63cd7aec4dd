/**
 * Commits the ledger in a process of its own: `node commit-child.mjs '<json>'`. With `killAt` the process kills
 * itself with SIGKILL at that step, counted from 1; with `lines` it appends and commits so many lines of its own.
 * Prints a JSON line for each commit: the outcome, and how many steps there were.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { commitPaths, recoverRepository } from '#dist/workers/git/commit/commit.js'
import { withRepositoryLock } from '#dist/project/git/repository-lock.js'

const { placement, path, author, killAt = 0, lines = [] } = JSON.parse(process.argv[2] ?? '{}')

let steps = 0
function onStep() {
  steps += 1
  if (steps === killAt) process.kill(process.pid, 'SIGKILL')
}

async function commit(line) {
  return withRepositoryLock(placement.commonDir, 'ledger', async () => {
    await recoverRepository(placement, onStep)
    if (line !== null) appendFileSync(join(placement.worktree, path), `${line}\n`)
    const request = { placement, paths: [path], message: 'Record', author, protectedBranches: null }
    return commitPaths(request, { onStep })
  })
}

for (const line of lines.length === 0 ? [null] : lines) {
  const outcome = await commit(line)
  process.stdout.write(`${JSON.stringify({ outcome, steps })}\n`)
}
