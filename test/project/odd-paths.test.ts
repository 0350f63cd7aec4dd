/** Repositories whose path holds what shells, git and SQLite stumble over: a mission is made there, or one typed error. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { removeFolder } from '../support/remove-folder.ts'
import { rawHere } from '../support/run-here.ts'

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-odd-')))
const env = {
  ...process.env,
  KITTIWAKE_HOME: join(folder, 'state'),
  KITTIWAKE_AUTO_START: '0',
}
afterAll(() => removeFolder(folder))

function makeRepository(path: string): string {
  mkdirSync(path, { recursive: true })
  const git = (...args: readonly string[]) => execFileSync('git', [...args], { cwd: path })
  git('init', '-q', '-b', 'main')
  git('config', 'user.name', 'Odd')
  git('config', 'user.email', 'odd@example.com')
  git('commit', '-q', '--allow-empty', '-m', 'Begin')
  return path
}

async function ok(cwd: string, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await rawHere({ cwd, env }, [...args, '--json'])
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out) as Record<string, unknown>
}

describe('a repository', () => {
  it.each([
    ['a line end', 'new\nline'],
    ['quotes', `quo"te's`],
    ['a leading dash', '-dash'],
    ['spaces', ' sp  ace '],
    ['what a shell would expand', '$HOME`id`%n'],
    ['letters beyond ASCII', 'möwe-\u{1F426}'],
  ])('whose path holds %s has its missions', async (_, name) => {
    const root = makeRepository(join(folder, name))
    await ok(root, 'init')
    const { mission_slug } = await ok(root, 'mission', 'create', 'first')
    await ok(root, 'wp', 'create', 'WP01', '--mission', String(mission_slug))
    const { missions } = await ok(root, 'status')
    expect(missions).toMatchObject([{ mission_slug, lanes: { planned: ['WP01'] } }])
    // From the linked worktree, whose file points back by that path.
    const linked = join(root, '.worktrees', `${String(mission_slug)}-coord`)
    expect((await ok(linked, 'status'))['missions']).toEqual(missions)
  })

  it.each([['init'], ['mission', 'create', 'first']])(
    'whose path is too long for SQLite says so: %s',
    async (...args) => {
      const root = makeRepository(
        join(folder, args[0] ?? '', ...Array.from({ length: 6 }, () => 'x'.repeat(100))),
      )
      const { code, out } = await rawHere({ cwd: root, env }, [...args, '--json'])
      expect([code, JSON.parse(out)]).toMatchObject([1, { error: { code: 'PATH_TOO_LONG' } }])
    },
  )

  // Other systems refuse such names.
  it.runIf(process.platform === 'linux')('whose path is no UTF-8 says so', () => {
    const script = `cd "$1" && d=$(printf 'no\\377utf') && mkdir "./$d" && cd "./$d" && git init -q && "$2" "$3" status --json`
    const words = ['-c', script, 'bash', folder, process.execPath, MAIN]
    const { status, stdout } = spawnSync('bash', words, { env, encoding: 'utf8' })
    expect([status, JSON.parse(stdout)]).toMatchObject([1, { error: { code: 'PATH_NOT_UTF8' } }])
  })
})
