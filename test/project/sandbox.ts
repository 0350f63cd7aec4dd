/** Real repositories in a temporary folder, deaf to the configuration of this machine. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'

process.env['GIT_CONFIG_GLOBAL'] = '/dev/null'
process.env['GIT_CONFIG_NOSYSTEM'] = '1'

export const USER = { name: 'Ann Example', email: 'ann@example.test' }

/** A folder of its own for one test file, removed afterwards; its path is real. */
export function makeFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-project-')))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function git(cwd: string, ...args: string[]): string {
  const env = {
    ...process.env,
    GIT_AUTHOR_NAME: USER.name,
    GIT_AUTHOR_EMAIL: USER.email,
    GIT_COMMITTER_NAME: USER.name,
    GIT_COMMITTER_EMAIL: USER.email,
  }
  return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: 'pipe' }).trimEnd()
}

export function write(path: string, text: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

/** A repository on `main` with one commit. */
export function makeRepository(path: string): string {
  mkdirSync(path, { recursive: true })
  git(path, 'init', '--quiet', '--initial-branch=main')
  write(join(path, 'README'), 'hello\n')
  git(path, 'add', 'README')
  git(path, 'commit', '--quiet', '-m', 'Begin')
  return path
}

/** The code of the error that a promise is rejected with. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return 'no error'
}
