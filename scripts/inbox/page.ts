/** The page on which a person reads codes; it asks for new messages every second. */
export function page(nonce: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SMS inbox</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
<h1>SMS inbox</h1>
<p>Messages that the local stack would have sent. Newest first, in memory only.</p>
<label>Phone number <input id="to" type="search" placeholder="all numbers" autocomplete="off"></label>
<ul id="messages" aria-live="polite"></ul>
<p id="state">Waiting for the first message …</p>
</main>
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; font-family: system-ui, sans-serif; }
main { max-width: 42rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; }
input { font: inherit; padding: .3rem .5rem; }
ul { list-style: none; padding: 0; }
li { border: 1px solid #8886; border-radius: .5rem; padding: .75rem 1rem; margin: .75rem 0; }
.code { font: 600 2rem ui-monospace, monospace; letter-spacing: .2em; }
.to { opacity: .75; }
`;

// Texts go into the page as text, never as markup.
const SCRIPT = `
const list = document.getElementById('messages');
const state = document.getElementById('state');
const to = document.getElementById('to');
let shown = '';
function element(name, className, text) {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}
function show(messages) {
  list.replaceChildren(...messages.map((message) => {
    const item = document.createElement('li');
    const when = new Date(message.sentAt).toLocaleTimeString();
    item.append(
      element('div', 'to', message.to + ' at ' + when),
      element('div', 'code', message.code),
      element('div', 'body', message.body),
    );
    return item;
  }));
  state.textContent = messages.length === 0 ? 'Waiting for the first message …' : '';
}
async function look() {
  try {
    const number = to.value.trim();
    const query = number === '' ? '' : '?to=' + encodeURIComponent(number);
    const text = await (await fetch('/messages' + query)).text();
    if (text !== shown) {
      shown = text;
      show(JSON.parse(text));
    }
  } catch {
    state.textContent = 'The inbox does not answer. Is the stack running?';
    shown = '';
  }
}
to.addEventListener('input', look);
setInterval(look, 1000);
look();
`;
