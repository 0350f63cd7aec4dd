/** Whose name stands on our commits. */
import type { Author } from './bookkeeper.ts'
import { BOOKKEEPER } from './bookkeeper.ts'
import { readSharedConfig } from './config/config.ts'
import { runGit } from './git/native-git.ts'
import { readCommitAuthor } from './config/settings.ts'
import type { Repository } from './types.ts'

const CONFIG_TIMEOUT_MS = 5_000
/** What may not stand in a commit's header line. */
const UNSAFE = /[\u0000-\u001f\u007f<>]/

/** The bookkeeping identity, or with `commit.author: git` what git would use. */
export async function authorOf(repository: Repository): Promise<Author> {
  if (readCommitAuthor(readSharedConfig(repository.root)) !== 'git') return BOOKKEEPER
  const name = await gitValue(repository, 'user.name')
  const email = await gitValue(repository, 'user.email')
  return name === null || email === null ? BOOKKEEPER : { name, email }
}

async function gitValue(repository: Repository, key: string): Promise<string | null> {
  const options = { cwd: repository.worktree, timeoutMs: CONFIG_TIMEOUT_MS }
  const { code, stdout } = await runGit(['config', '--get', key], options)
  const value = stdout.trim()
  return code === 0 && value !== '' && !UNSAFE.test(value) ? value : null
}
