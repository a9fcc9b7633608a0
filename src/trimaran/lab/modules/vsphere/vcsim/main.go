// Command vcsim is a vCenter that exists in memory: its inventory, tasks, storage policies and REST API.
// It holds one datacenter and a template to clone machines from, and lets in one user.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	_ "github.com/vmware/govmomi/pbm/simulator"
	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

type settings struct {
	listen, certificate, key, user, passwordFile, template string
}

func main() {
	var s settings
	flag.StringVar(&s.listen, "listen", "127.0.0.1:0", "address and port")
	flag.StringVar(&s.certificate, "certificate", "", "the server's certificate, PEM")
	flag.StringVar(&s.key, "key", "", "its key, PEM")
	flag.StringVar(&s.user, "user", "", "who may log in")
	flag.StringVar(&s.passwordFile, "password-file", "", "the file with the password")
	flag.StringVar(&s.template, "template", "", "the name of the template")
	flag.Parse()
	if err := run(s); err != nil {
		log.Fatal(err)
	}
}

func run(s settings) error {
	pair, err := tls.LoadX509KeyPair(s.certificate, s.key)
	if err != nil {
		return err
	}
	password, err := os.ReadFile(s.passwordFile)
	if err != nil {
		return err
	}
	model := simulator.VPX()
	defer model.Remove()
	if err := model.Create(); err != nil {
		return err
	}
	// Before anybody can connect, so that who is answered finds the template.
	if err := addTemplate(model.Service, s.template); err != nil {
		return err
	}
	model.Service.RegisterEndpoints = true
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	login := url.UserPassword(s.user, strings.TrimSpace(string(password)))
	model.Service.Listen = &url.URL{Host: s.listen, User: login}
	server := model.Service.NewServer()
	defer server.Close()
	fmt.Println("listening on", server.URL.Host)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	<-asked
	return nil
}

// addTemplate clones a machine of the model, switched off, and makes it a template.
func addTemplate(service *simulator.Service, name string) error {
	ctx := context.Background()
	client, err := vim25.NewClient(ctx, service)
	if err != nil {
		return err
	}
	finder := find.NewFinder(client)
	datacenter, err := finder.DefaultDatacenter(ctx)
	if err != nil {
		return err
	}
	finder.SetDatacenter(datacenter)
	folders, err := datacenter.Folders(ctx)
	if err != nil {
		return err
	}
	source, err := finder.VirtualMachine(ctx, "DC0_H0_VM0")
	if err != nil {
		return err
	}
	task, err := source.Clone(ctx, folders.VmFolder, name, types.VirtualMachineCloneSpec{})
	if err != nil {
		return err
	}
	made, err := task.WaitForResult(ctx, nil)
	if err != nil {
		return err
	}
	machine := object.NewVirtualMachine(client, made.Result.(types.ManagedObjectReference))
	task, err = machine.Reconfigure(ctx, types.VirtualMachineConfigSpec{
		GuestId:  string(types.VirtualMachineGuestOsIdentifierDebian12_64Guest),
		MemoryMB: 1024,
	})
	if err != nil {
		return err
	}
	if err := task.Wait(ctx); err != nil {
		return err
	}
	return machine.MarkAsTemplate(ctx)
}
