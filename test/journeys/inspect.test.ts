/** The inspector over real processes: attached to the background process, through the loss of its hub and of itself. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SendingWorld } from '../support/background-world.ts'
import { emitNote } from '../support/drafts.ts'
import { until } from '../support/program.ts'

type Message = { readonly type: string; readonly process: string } & Readonly<
  Record<string, unknown>
>

it('shows the background process: the link lost and found, an event on its way, the process killed and the next one', async () => {
  await using world = await SendingWorld.make()
  const { machine, root, hub, uuid } = world
  await hub.kill()
  await machine.ok(root, emitNote('a note'))
  const pid = await world.start()
  const inspector = machine.start(root, [
    'inspect',
    '--attach',
    uuid.slice(0, 8),
    '--format',
    'ndjson',
  ])
  const messages = () => inspector.documents as unknown as Message[]
  const saw = (what: string, look: (message: Message) => boolean) =>
    until(what, () => messages().some(look))
  const connectionTo = (state: string) => (message: Message) =>
    message.type === '@xstate.microstep' &&
    JSON.stringify(message['transitions']).includes(`"connection.${state}`)
  await saw('the link is lost', connectionTo('backingOff'))
  expect(messages()[0]?.process).toMatch(new RegExp(`^${pid}\\.[0-9a-f]{4}$`))
  await hub.start()
  await saw('the link is there', connectionTo('connected.delivery.live'))
  await saw(
    'the event is at the hub',
    ({ type, stage }) => type === 'kittiwake.fate' && stage === 'acknowledged',
  )
  process.kill(pid, 'SIGKILL')
  await saw('the process has ended', ({ type }) => type === 'kittiwake.ended')
  await hub.kill()
  await machine.ok(root, emitNote('a note'))
  const next = await world.start()
  await saw('the next process is shown', (message) => message.process.startsWith(`${next}.`))
  await inspector.end('SIGINT')
  expect(await inspector.ended).toBe(130)
  expect(inspector.err).toBe('')
})

it('records a run that `inspect --trace` opens, in a file of its owner alone', async () => {
  await using world = await SendingWorld.make()
  const { machine, root } = world
  const recording = machine.start(root, ['sync', 'run', '--record', 'run.ndjson'])
  await recording.saw(({ state }) => state === 'live')
  await recording.end('SIGINT')
  const file = join(root, 'run.ndjson')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const text = readFileSync(file, 'utf8')
  for (const word of [machine.folder, hub(world)]) expect(text).not.toContain(word)
  const opened = await machine.run(root, ['inspect', '--trace', 'run.ndjson', '--format', 'ndjson'])
  expect(opened.code).toBe(0)
  const live = opened.documents.filter((one) =>
    JSON.stringify(one).includes('connection.connected.delivery.live'),
  )
  expect(live.length).toBeGreaterThan(0)
  const again = await machine.run(root, ['sync', 'run', '--record', 'run.ndjson'])
  expect(again.document).toMatchObject({ ok: false, error: { code: 'TRACE_EXISTS' } })
  const all = await machine.run(root, ['sync', 'run', '--all', '--record', 'other.ndjson'])
  expect(all).toMatchObject({ code: 2, document: { error: { code: 'RECORD_ALL' } } })
})

function hub(world: SendingWorld): string {
  return new URL(world.hub.url).host
}
