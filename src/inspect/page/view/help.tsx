/** What the keys do. */
import { useEffect, useRef } from 'preact/hooks'
import type { Inspector } from '../inspector.ts'
import { KEYS } from '../keys.ts'

export function Help({ inspector }: { readonly inspector: Inspector }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-label="Keys"
      onClose={() => inspector.show({ isHelpOpen: false })}
      onClick={({ target }) => (target === dialog.current ? dialog.current?.close() : undefined)}
    >
      <header>
        <h2>Keys</h2>
        <button
          type="button"
          class="quiet"
          aria-label="Close"
          onClick={() => dialog.current?.close()}
        >
          ✕
        </button>
      </header>
      <dl>
        {KEYS.map(({ keys, does }) => (
          <div key={keys + does}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  )
}
