import { execFileSync } from 'node:child_process'
import { expect, it, onTestFinished } from 'vitest'
import { outboxPath } from '#dist/project/state-directory.js'
import { OutboxReader } from '#dist/workers/store/outbox-reader.js'
import { RuntimeWorld } from './support/runtime-world.ts'

it('an event tells where it happened, however often that changes while a runtime is open', async () => {
  const world = new RuntimeWorld()
  const uuid = await world.init()
  const git = (...args: string[]) => execFileSync('git', args, { cwd: world.root, stdio: 'ignore' })
  const runtime = await world.open()
  const emit = () => runtime.emit({ event_type: 'NoteTaken', payload: {} })
  git('checkout', '-q', '-b', 'first')
  await emit()
  git('checkout', '-q', '-b', 'second')
  await emit()
  git('checkout', '-q', 'first')
  git('remote', 'add', 'origin', 'https://git.example.org/team/thing.git')
  await emit()
  const path = outboxPath(world.state, uuid)
  const reader = OutboxReader.open({ path, owner: { kind: 'project', uuid } })
  onTestFinished(() => reader.close())
  const told = reader.list({}).map(({ event }) => [event?.git_branch, event?.repo_slug])
  expect(told).toEqual([
    ['first', null],
    ['second', null],
    ['first', 'team/thing'],
  ])
})
