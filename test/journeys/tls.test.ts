/** A hub behind a proxy that speaks TLS for it, and a client that knows the hub by https alone. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { expect, it, onTestFinished, vi } from 'vitest'
import { readAll, startHub } from '../hub/support.ts'
import { emitNote, noteOf } from '../support/drafts.ts'
import { selfSigned } from '../support/self-signed.ts'
import { TestMachine } from '../support/test-machine.ts'

it('gives sockets by TLS to those who come by TLS, and takes their events and nothing in the clear', async () => {
  const machine = new TestMachine()
  onTestFinished(() => machine.close())
  const { key, cert } = selfSigned()
  const proxy = await proxyWith(key, cert)
  const url = `https://localhost:${proxy.port}`
  const { hub, token } = await startHub({ publicUrl: url })
  proxy.leadTo(hub.port)

  const { root, uuid } = await machine.project('seabird')
  const login = ['auth', 'login', '--hub', url, '--token-file', '-']
  const stranger = await machine.run(root, login, token)
  expect(stranger).toMatchObject({ code: 1, document: { error: { code: 'HUB_TLS' } } })
  const trusted = join(machine.folder, 'ca.pem')
  writeFileSync(trusted, cert)
  machine.env['NODE_EXTRA_CA_CERTS'] = trusted
  await machine.ok(root, login, token)
  // By batches it would be another state.
  const link = await machine.link(root)
  await machine.ok(root, emitNote('by TLS'))
  const texts = async () => (await readAll(hub, token, uuid)).map(({ event }) => noteOf(event))
  await vi.waitFor(async () => expect(await texts()).toEqual(['by TLS']), { timeout: 20_000 })
  expect(await link.end('SIGINT')).toBeLessThan(3_000)
})

/** Ends TLS and passes the bytes on, once it is said where to. */
async function proxyWith(key: string, cert: string) {
  const sockets = new Set<Socket>()
  let target = 0
  const server = createServer({ key, cert }, (outer) => {
    const inner = connect(target, '127.0.0.1')
    for (const socket of [outer, inner]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => [outer, inner].forEach((one) => one.destroy()))
    }
    outer.pipe(inner).pipe(outer)
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, 'localhost')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    leadTo: (port: number) => {
      target = port
    },
  }
}
