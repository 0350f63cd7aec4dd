/** A clone that is set up by the program: native commits are noted without any further command, and logs merge. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { run } from '../support/program.ts'
import { TestMachine } from '../support/test-machine.ts'
import type { Project } from '../support/test-machine.ts'

const machine = new TestMachine()
afterAll(() => machine.close())

let project: Project
let worktree: string

beforeAll(async () => {
  project = await machine.project('seabird')
  const mission = await machine.ok(project.root, ['mission', 'create', 'harbour'])
  worktree = mission['worktree'] as string
  await machine.ok(project.root, ['hooks', 'install'])
})

const pendingHashes = (): string[] => {
  const path = join(project.root, '.kittify/sync-state.json')
  if (!existsSync(path)) return []
  const state = JSON.parse(readFileSync(path, 'utf8')) as {
    pending_local_commits: { git_hash: string }[]
  }
  return state.pending_local_commits.map(({ git_hash }) => git_hash)
}

it('notes a native commit in a linked worktree as soon as it is made', async () => {
  const file = join(worktree, 'kitty-specs/harbour/plan.md')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, 'A plan\n')
  machine.git(worktree, 'add', '.')
  machine.git(worktree, 'commit', '-qm', 'Plan')
  const made = machine.git(worktree, 'rev-parse', 'HEAD').trim()
  await vi.waitFor(() => expect(pendingHashes()).toEqual([made]), {
    timeout: 30_000,
    interval: 20,
  })
})

it('fails no git command, wherever it is run', async () => {
  const nowhere = await run({ cwd: machine.folder, env: machine.env }, [
    'hooks',
    'run',
    'post-commit',
  ])
  expect(nowhere.code).toBe(0)
  expect(nowhere.document).toMatchObject({ ok: true, pending_commits: null })
  expect(nowhere.said).toContain('are noted by the next command')
})

it('warns in a clone that has the attributes without the driver', async () => {
  machine.git(project.root, 'add', '.gitattributes')
  machine.git(project.root, 'commit', '-qm', 'Attributes')
  const clone = join(machine.folder, 'clone')
  machine.git(machine.folder, 'clone', '-q', project.root, clone)
  const emitted = await machine.run(clone, ['emit', 'NoteTaken', '--payload', '{}'])
  expect(emitted.code).toBe(0)
  expect(emitted.said).toContain('kittiwake hooks install')
  await machine.ok(clone, ['hooks', 'install'])
  const again = await machine.run(clone, ['emit', 'NoteTaken', '--payload', '{}'])
  expect(again.said).not.toContain('hooks install')
})
