// Command process-template does to a Template what OpenShift does to it: it fills the parameters in and prints
// the objects. The Template is read as JSON from standard input; every `-p NAME=VALUE` sets a parameter.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"time"

	templatev1 "github.com/openshift/api/template/v1"
	"github.com/openshift/library-go/pkg/template/generator"
	"github.com/openshift/library-go/pkg/template/templateprocessing"
)

func main() {
	given := map[string]string{}
	flag.Func("p", "NAME=VALUE of a parameter; may be repeated", func(text string) error {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return fmt.Errorf("%q is not NAME=VALUE", text)
		}
		given[name] = value
		return nil
	})
	flag.Parse()
	if err := run(given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(given map[string]string) error {
	var template templatev1.Template
	if err := json.NewDecoder(os.Stdin).Decode(&template); err != nil {
		return err
	}
	for name, value := range given {
		parameter := templateprocessing.GetParameterByName(&template, name)
		if parameter == nil {
			return fmt.Errorf("the template has no parameter %s", name)
		}
		parameter.Value = value
		parameter.Generate = ""
	}
	chance := rand.New(rand.NewSource(time.Now().UnixNano()))
	processor := templateprocessing.NewProcessor(map[string]generator.Generator{
		"expression": generator.NewExpressionValueGenerator(chance),
	})
	if errs := processor.Process(&template); len(errs) > 0 {
		return errs.ToAggregate()
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(template.Objects)
}
