/** A project that the gate blocks is not opened by the background process, until it is upgraded. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Holding } from '#dist/background/holding.js'
import { BackgroundLog } from '#dist/background/log.js'
import { historical } from '../support/historical-metadata.ts'
import { ProjectFiles } from '../support/project-files.ts'

it('waits with a reason, and has work again once it is upgraded', async () => {
  const project = new ProjectFiles()
  onTestFinished(() => project.remove())
  const { out } = await project.run(['init', '--json'])
  await project.run(['emit', 'NoteTaken'])
  const { project: identity } = JSON.parse(out) as { project: { uuid: string } }
  const state = join(project.folder, 'state')
  mkdirSync(state, { recursive: true })
  const holding = new Holding({
    state,
    entry: { root: project.root, uuid: identity.uuid },
    log: new BackgroundLog(join(state, 'log')),
    changed: () => undefined,
    opened: () => () => undefined,
    isHeldHere: () => false,
  })
  const written = project.metadata
  project.metadata = historical()
  await holding.look(0)
  expect(holding.status()).toMatchObject({ reason: 'PROJECT_MIGRATION_NEEDED', state: 'resting' })
  expect(holding.wantsToOpen(1)).toBe(false)
  project.metadata = written
  await holding.look(1)
  expect(holding.status()).toMatchObject({ reason: 'no_consent' })
})
