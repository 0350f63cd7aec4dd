import { describe, expect, it } from 'vitest'
import { createActor, fromCallback } from 'xstate'
import { createDesk } from '#dist/actors/desk.js'
import { MAILBOX_MAX } from '#dist/actors/worker.machine.js'
import { StoreError } from '#dist/errors.js'

type Command = { readonly type: 'count'; readonly id: number }
type Reply =
  | { readonly type: 'counted'; readonly id: number }
  | { readonly type: 'refused'; readonly error: object }
type Asked = { readonly command: Command; readonly replyTo: { send(answer: object): void } }

/** A desk and a worker that keeps what it is asked until the test answers. */
function office() {
  const asked: Asked[] = []
  const worker = createActor(
    fromCallback<{ type: string } & Asked>(({ receive }) => receive((ask) => asked.push(ask))),
  ).start()
  return { asked, desk: createDesk<Command, Reply>(worker) }
}

describe('a desk', () => {
  it('settles each ask with its own answer, in the order of the asks (L6)', async () => {
    const { asked, desk } = office()
    const asking = [0, 1, 2].map((id) => desk.ask({ type: 'count', id }, 'counted'))
    expect(asked.map(({ command }) => command.id)).toEqual([0, 1, 2])
    for (const { command, replyTo } of asked) replyTo.send({ type: 'counted', id: command.id * 10 })
    expect(await Promise.all(asking)).toEqual([0, 10, 20].map((id) => ({ type: 'counted', id })))
  })

  it('rejects with the error of the worker, its class and code kept', async () => {
    const { asked, desk } = office()
    const asking = desk.ask({ type: 'count', id: 1 }, 'counted')
    const error = {
      name: 'StoreError',
      code: 'OUTBOX_FULL',
      message: 'm',
      hint: 'h',
      retryable: true,
    }
    asked[0]?.replyTo.send({ type: 'refused', error })
    const refused = await asking.catch((reason: unknown) => reason)
    expect(refused).toBeInstanceOf(StoreError)
    expect(refused).toMatchObject({ code: 'OUTBOX_FULL', message: 'm', hint: 'h' })
    expect((refused as StoreError).retryable()).toBe(true)
  })

  it('does not take one answer for another', async () => {
    const { asked, desk } = office()
    const asking = desk.ask({ type: 'count', id: 1 }, 'counted')
    asked[0]?.replyTo.send({ type: 'something else' })
    await expect(asking).rejects.toMatchObject({ code: 'UNEXPECTED_ANSWER' })
  })

  it('refuses before the mailbox is full, so that the machines still can ask (L8)', async () => {
    const { asked, desk } = office()
    const asking = Array.from({ length: MAILBOX_MAX / 2 + 1 }, async (_, id) =>
      desk.ask({ type: 'count', id }, 'counted'),
    )
    await expect(asking.at(-1)).rejects.toMatchObject({ code: 'BUSY' })
    expect(asked).toHaveLength(MAILBOX_MAX / 2)
    for (const { command, replyTo } of asked) replyTo.send({ type: 'counted', id: command.id })
    await Promise.all(asking.slice(0, -1))
    const again = desk.ask({ type: 'count', id: -1 }, 'counted')
    asked.at(-1)?.replyTo.send({ type: 'counted', id: -1 })
    expect(await again).toEqual({ type: 'counted', id: -1 })
  })

  it('that is closed refuses what waits, as of unknown outcome, and what comes', async () => {
    const { asked, desk } = office()
    const waiting = desk.ask({ type: 'count', id: 1 }, 'counted')
    desk.close()
    await expect(waiting).rejects.toMatchObject({
      code: 'RUNTIME_STOPPED',
      hint: expect.stringContaining('not known') as string,
    })
    await expect(desk.ask({ type: 'count', id: 2 }, 'counted')).rejects.toMatchObject({
      code: 'RUNTIME_STOPPED',
    })
    // An answer that comes too late is nobody's.
    asked[0]?.replyTo.send({ type: 'counted', id: 1 })
    expect(asked).toHaveLength(1)
  })
})
