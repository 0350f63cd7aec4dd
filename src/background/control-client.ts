/** How a command speaks with the background process. Never throws: nobody there is an answer, too. */
import { connect } from 'node:net'
import { isControlPrivate, type Places } from './places.ts'
import { type ControlRequest, LINE_LENGTH_MAX } from './protocol.ts'

/** `refused`: nobody listens. `silent`: somebody may, but said nothing in time. */
export type Said =
  | { readonly state: 'answered'; readonly line: string }
  | { readonly state: 'refused' }
  | { readonly state: 'silent' }

/** Says one line and waits for the answer, which is empty where the other side only closes. */
export function say(places: Places, request: ControlRequest, withinMs: number): Promise<Said> {
  if (!isControlPrivate(places)) return Promise.resolve({ state: 'refused' })
  return new Promise((resolve) => {
    const socket = connect(places.control)
    let text = ''
    let isThrough = false
    const settle = (said: Said): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(said)
    }
    const timer = setTimeout(() => settle({ state: 'silent' }), withinMs)
    socket.setEncoding('utf8')
    socket.on('connect', () => {
      isThrough = true
      socket.write(`${JSON.stringify(request)}\n`, () => {
        if (request.type === 'nudge') settle({ state: 'answered', line: '' })
      })
    })
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.length > LINE_LENGTH_MAX) settle({ state: 'silent' })
    })
    socket.on('end', () => settle({ state: 'answered', line: text.trimEnd() }))
    socket.on('error', () => settle({ state: isThrough ? 'silent' : 'refused' }))
  })
}
