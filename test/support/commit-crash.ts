/** What must be true of a repository after one of our commits was cut short, and after the next one. */
import { appendFileSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { commitLedger } from './commit-ledger.ts'
import { BRANCH, GitRepository, LEDGER } from './git-repository.ts'
import { stride } from './rows.ts'

/** The implementations of a commit by how their repository is made, and which steps of it are tried. */
export const SWEEPS = [
  { name: 'by files', init: [], ...stride(3) },
  { name: 'by plumbing', init: ['--object-format=sha256'], ...stride(7) },
] as const

/** More steps than a commit has; a sweep ends at the first number that no step bears. */
export const MAX_STEPS = 200

/** The user has a file staged; the ledger is in HEAD with one line. */
export async function repositoryWithLedger(
  initArguments: readonly string[] = [],
): Promise<GitRepository> {
  const repository = GitRepository.withCommit(initArguments)
  repository.write('staged.txt', 'staged\n')
  repository.git('add', 'staged.txt')
  repository.write(LEDGER, '{"n":0}\n')
  expect(await commitLedger(repository.placement())).toMatchObject({ type: 'committed' })
  return repository
}

/** The next line in the ledger, on whose commit something will happen; answers the commit before it. */
export function appendAnswer(repository: GitRepository, n: number): string {
  appendFileSync(join(repository.root, LEDGER), `{"n":${n}}\n`)
  return repository.tip()
}

/** A line of the reflog begins with the id with which the line before it ends. */
function reflogGaps(repository: GitRepository): string[] {
  const gaps: string[] = []
  for (const log of ['logs/HEAD', `logs/refs/heads/${BRANCH}`]) {
    const lines = readFileSync(join(repository.root, '.git', log), 'utf8')
      .trimEnd()
      .split('\n')
    for (const [index, line] of lines.entries()) {
      const before = lines[index - 1]
      if (before !== undefined && before.split(' ')[1] !== line.split(' ')[0]) gaps.push(line)
    }
  }
  return gaps
}

/** Lock files, temporary files and journals below the git directory. */
export function strayFiles(repository: GitRepository): string[] {
  const git = join(repository.root, '.git')
  const found = readdirSync(git, { recursive: true, encoding: 'utf8' })
  return found.filter((name) => /\.lock$|tmp-|journal\.json$/.test(name))
}

/** Nothing is corrupt, even while the dead process's locks are still there. */
export function expectWhole(repository: GitRepository): void {
  expect(repository.fsck()).toBe('')
  expect(repository.git('ls-files')).toContain('src/file-0.txt')
}

/** The next commit holds the answer, and nothing of the dead one is left. */
export async function expectHealed(repository: GitRepository, parent: string): Promise<void> {
  const moved = repository.tip() !== parent
  const outcome = await commitLedger(repository.placement())
  expect(outcome.type).toBe(moved ? 'unchanged' : 'committed')
  expect(repository.git('status', '--porcelain')).toBe('A  staged.txt\n')
  const head = repository.git('log', '-1', '--name-only', '--format=%P').trim()
  expect(head).toBe(`${parent}\n\n${LEDGER}`)
  expect(strayFiles(repository)).toEqual([])
  expect(reflogGaps(repository)).toEqual([])
  expect(repository.fsck()).toBe('')
}
