/**
 * TypeScript with comments and the contents of strings, templates and regular expressions replaced by spaces; newlines
 * stay, so that line numbers hold. What stands in `${}` of a template is code and stays.
 */
export function codeOf(text) {
  const out = [];
  const templates = []; // Brace depth at which each open `${` ends.
  let depth = 0;
  let at = 0;

  const keep = (count) => {
    for (const end = at + count; at < end; at++) out.push(text[at]);
  };
  const blank = (end) => {
    for (; at < end && at < text.length; at++) out.push(text[at] === "\n" ? "\n" : " ");
  };

  while (at < text.length) {
    const char = text[at];
    if (text.startsWith("//", at)) blank(indexOr(text, "\n", at));
    else if (text.startsWith("/*", at)) blank(indexOr(text, "*/", at) + 2);
    else if (char === '"' || char === "'") literal(endOfString(text, at));
    else if (char === "`") template();
    else if (char === "/" && startsRegExp(out)) literal(endOfRegExp(text, at));
    else if (char === "}" && templates.at(-1) === depth) {
      templates.pop();
      depth--;
      template();
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      keep(1);
    }
  }
  return out.join("");

  /** Keeps both delimiters and blanks what is between. */
  function literal(end) {
    keep(1);
    blank(end - 1);
    keep(1);
  }

  /** From a backtick, or the brace that ends a `${`, to the next `${` or the closing backtick. */
  function template() {
    keep(1);
    while (at < text.length && text[at] !== "`" && !text.startsWith("${", at)) blank(at + (text[at] === "\\" ? 2 : 1));
    if (text[at] === "`") keep(1);
    else if (at < text.length) {
      keep(2);
      depth++;
      templates.push(depth);
    }
  }
}

function indexOr(text, needle, from) {
  const index = text.indexOf(needle, from);
  return index < 0 ? text.length : index;
}

function endOfString(text, start) {
  let at = start + 1;
  while (at < text.length && text[at] !== text[start] && text[at] !== "\n") at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function endOfRegExp(text, start) {
  let inClass = false;
  let at = start + 1;
  for (; at < text.length && text[at] !== "\n"; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "[") inClass = true;
    else if (text[at] === "]") inClass = false;
    else if (text[at] === "/" && !inClass) break;
  }
  return at + 1;
}

/** A slash divides after a value; it begins a regular expression anywhere else. */
function startsRegExp(out) {
  const before = out.slice(-40).join("").trimEnd();
  return before === "" || /[=(,:;[!&|?{}+\-*%<>~^]$|\b(return|typeof|case|in|of|await)$/.test(before);
}
